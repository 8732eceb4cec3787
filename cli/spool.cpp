#include "amount.hpp"
#include "command.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/location.hpp>
#include <tempfile/spooled_temporary_file.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace tool {
namespace {

constexpr std::size_t piece = 256 * 1024;

using buffer = std::vector<std::byte>;
using spool_options = tempfile::spooled_temporary_file_options;

struct options {
    spool_options spool;
    std::string max_size = std::to_string(tempfile::default_max_size);
    bool verbose = false;
};

// What happened on the way.
struct account {
    std::uint64_t size = 0;
    std::uint64_t in_memory = 0;  // how much was there before it rolled over; all, if it did not
    double seconds_in = 0;
    double seconds_out = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string directory_of(const spool_options& options) {
    return (options.dir.empty() ? tempfile::gettempdir() : std::filesystem::absolute(options.dir)).native();
}

void soak(tempfile::spooled_temporary_file& spool, buffer& bytes, const spool_options& options, account& did) {
    const auto start = std::chrono::steady_clock::now();
    // Less than was asked for is the end, which a terminal would have to say again (Ctrl-D).
    for (std::size_t n = bytes.size(); n == bytes.size();) {
        n = read_input(bytes);
        std::error_code ec;
        spool.write(std::span(bytes).first(n), ec);
        if (ec) {
            throw std::system_error(ec, "cannot spool to a file in " + directory_of(options));
        }
        if (!spool.rolled()) {
            did.in_memory += n;
        }
        did.size += n;
    }
    did.seconds_in = seconds_since(start);
}

void pour(tempfile::spooled_temporary_file& spool, buffer& bytes, account& did) {
    const auto start = std::chrono::steady_clock::now();
    spool.seek(0);
    while (const std::size_t n = spool.read(std::span(bytes))) {
        print(std::span(bytes).first(n));
    }
    close_output();
    did.seconds_out = seconds_since(start);
}

std::uint64_t per_second(std::uint64_t bytes, double seconds) {
    constexpr double least = 1e-9;  // nothing is divided by 0
    return static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(seconds, least));
}

// Less than 1 MiB says more about the clock, and about who was waited for, than about speed.
std::string pace(std::uint64_t bytes, double seconds) {
    const std::string time = seconds < 1 ? fmt::format("{:.3f} ms", 1e3 * seconds) : fmt::format("{:.3f} s", seconds);
    constexpr std::uint64_t enough = 1 << 20;
    return bytes < enough ? time : fmt::format("{}, {}/s", time, human(per_second(bytes, seconds)));
}

std::string roll_over(const tempfile::spooled_temporary_file& spool, const account& did) {
    if (!spool.rolled()) {
        return "none";
    }
    return did.in_memory == 0 ? "at once" : "after " + human(did.in_memory);
}

void tell(const tempfile::spooled_temporary_file& spool, const spool_options& options, const account& did) {
    const std::string place =
        spool.rolled() ? "a file without a name in " + unbroken(printable(directory_of(options))) : "memory";
    const auto line = [screen = columns_of_error()](const char* what, const std::string& text) {
        constexpr std::size_t indent = 11;
        return fmt::format("{:<{}}{}", what, indent, wrapped(text, indent, screen));
    };
    report(line("size", human(did.size)) +
           line("roll-over", fmt::format("{} (--max-size {})", roll_over(spool, did), human(options.max_size))) +
           line("lived in", place) + line("read in", pace(did.size, did.seconds_in)) +
           line("wrote out", pace(did.size, did.seconds_out)));
}

std::string largest() {
    return fmt::format("{}G", tempfile::largest_max_size >> 30U);
}

std::size_t max_size_of(const std::string& value) {
    const std::uint64_t bytes = bytes_of("--max-size", value);
    if (bytes > tempfile::largest_max_size) {
        throw std::invalid_argument(fmt::format(
            "--max-size \"{}\" is too large to keep in memory; say {} at most, as --max-size 8M", value, largest()));
    }
    return static_cast<std::size_t>(bytes);
}

void run(options& o) {
    o.spool.max_size = max_size_of(o.max_size);
    tempfile::spooled_temporary_file spool(o.spool);
    buffer bytes(piece);
    account did;
    soak(spool, bytes, o.spool, did);
    pour(spool, bytes, did);
    if (o.verbose) {
        tell(spool, o.spool, did);
    }
}

}  // namespace

void add_spool(command& command) {
    auto o = std::make_shared<options>();
    command.add_flag("-v,--verbose", o->verbose, "Tell on standard error how large it was, where it lived, how fast");
    command.add_option("--max-size", o->max_size,
                       fmt::format("How much may stay in memory, as 100k or 8M; at most {} (default: 8M)", largest()),
                       "SIZE");
    command.add_option("--dir", o->spool.dir,
                       "Where it goes when it grows (default: $TMPDIR, $TEMP, $TMP or /tmp, as `tmp recipe` explains)",
                       "DIR");
    command.footer(
        "Exit status: 0 if all of it was written, 1 if not; 2 for wrong usage.\n"
        "\n"
        "Example: a slow consumer must not hold up the producer\n"
        "  pg_dump shop | tmp spool --max-size 64M | ssh backup 'cat > shop.sql'");
    command.callback([o] { run(*o); });
}

}  // namespace tool
