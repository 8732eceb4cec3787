#include "amount.hpp"

#include <system_error>

namespace tool {

namespace fs = std::filesystem;

amount amount_in(const fs::path& directory) {
    amount found;
    std::error_code ec;
    fs::recursive_directory_iterator entry(directory, ec);
    for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
        ++found.entries;
        std::error_code gone;
        if (fs::is_regular_file(entry->symlink_status(gone))) {
            const std::uintmax_t size = entry->file_size(gone);
            found.bytes += gone ? 0 : size;
        }
    }
    found.complete = !ec;
    return found;
}

}  // namespace tool
