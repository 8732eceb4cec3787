// Making files and directories in a given directory: the ladders, and the tries.

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "problem.hpp"
#include "registry.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// Where, and what the name is made of. `dir` is absolute.
struct place {
    const std::string& dir;
    std::string_view prefix;
    std::string_view suffix;
};

// What to do when nothing can be made, as the end of a message, behind which the system says why; empty where we do not
// know.
std::string_view advice(sys::error e) noexcept;

// A file without a name: O_TMPFILE, else made under a name that is taken away at once. With `linkable` one that can get
// a name later, if that can be had, which is what it says afterwards.
problem create_unnamed(const place& where, bool append, file& made, bool* linkable = nullptr);

// A file and its path; written down in the registry by `owner`, if there is one, before it exists.
problem create_named(const place& where, bool append, file& made, std::string& path, registration* owner = nullptr);

// A directory and its path, mode exactly 0700; with its handle and written down, or without.
problem create_directory(const place& where, std::string& path, file& handle, registration* owner = nullptr);
problem create_directory(const place& where, std::string& path);

// Gives a directory, which the handle holds, a new name beside its old one, which is written down by `owner` before.
// What is no directory stays where it is; what is another one is for the caller to notice.
problem rename_directory(const std::string& from, sys::handle held, std::string& path, registration& owner);

// A file in `directory`, whose path is `dir`, that can get a name there: without one (`path` stays empty) where that
// can be had and `how` allows, else under one of its own, written down in the registry by `owner`. Without a name it
// has `permissions` less the umask, which show it to nobody; else 0600.
enum class staging { without_a_name_if_possible, named };
problem create_beside(sys::handle directory, const std::string& dir, file& made, std::string& path, registration& owner,
                      std::uint32_t permissions, staging how = staging::without_a_name_if_possible);

// Calls look(handle) for a new file, or a new directory, that is for everybody (metadata_of::new_file), and takes it
// away again.
using look_at_new = std::function<sys::error(sys::handle)>;
problem look_at_new_file(sys::handle directory, const std::string& dir, const look_at_new& look);
problem look_at_new_directory(sys::handle directory, const std::string& dir, const look_at_new& look);

// Gives a name of its own in that directory to a file that has none; written down by `owner`. ENOENT and EPERM where
// that cannot be done.
problem link_beside(sys::handle nameless, const sys::metadata& known, sys::handle directory, const std::string& dir,
                    std::string& path, registration& owner);

// The same with a given name. EEXIST when something stands there.
sys::error link_nameless(sys::handle nameless, sys::handle directory, const char* name) noexcept;

// A path at which nothing stands.
problem unused_path(const place& where, std::string& path);

}  // namespace tempfile
