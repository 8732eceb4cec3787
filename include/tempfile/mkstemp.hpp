/// @file
/// The functions that hand out a plain `file` or a name and leave the rest to the caller: `tmpfile`, `mkstemp`,
/// `mkdtemp`, `mktemp`.
///
/// @code
/// auto [file, path] = tempfile::mkstemp({.prefix = "report-", .suffix = ".csv"});
/// file.write("a,b\n");
/// file.close();
/// std::filesystem::remove(path);          // the caller removes it
///
/// auto scratch = tempfile::mkdtemp();     // mode 0700
/// std::filesystem::remove_all(scratch);   // likewise
///
/// auto plain = tempfile::tmpfile();       // no name: gone when it is closed
/// plain.write("x");
/// @endcode
///
/// Under `using namespace tempfile`, say `tempfile::tmpfile()` all the same: `<cstdio>` has a `tmpfile()` too.
///
/// **Ownership.** What has a name is removed by nobody but the caller. Prefer `named_temporary_file` and
/// `temporary_directory`, which clean up.
///
/// **Modes** are exactly 0600 and 0700, never wider for an instant. A umask that takes bits from the owner is noticed
/// with the first file and the first directory of a process, and those bits are given back; a program that changes to
/// such a umask later gets what that umask says, as from the bare system calls.
///
/// **Errors.** `std::filesystem::filesystem_error` with the directory and the system's code; `std::invalid_argument`
/// for a bad prefix or suffix (name.hpp says which). In the `std::error_code&` forms both are codes. Paths are
/// absolute.

#pragma once

#include <tempfile/file.hpp>
#include <tempfile/name.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace tempfile {

/// What these functions can be told.
struct name_options {
    std::string prefix{gettempprefix()};  ///< What the name begins with.
    std::string suffix{};                 ///< What it ends with; say the dot yourself.
    std::filesystem::path dir{};          ///< Where; empty means `gettempdir()`.
};

/// Makes a file without a name: what `temporary_file` stands on, without the stream. Gone when its last handle is
/// closed. Prefix and suffix are of the name it has for a moment where files cannot be made without one.
[[nodiscard]] file tmpfile(const name_options& options = {});
[[nodiscard]] file tmpfile(const name_options& options, std::error_code& ec);

/// The answer of `mkstemp`.
struct mkstemp_result {
    tempfile::file file;         ///< Open for reading and writing.
    std::filesystem::path path;  ///< Its absolute name, which the caller removes.
};

/// Makes a file that nobody else has: a new name, mode exactly 0600, made with O_EXCL in one call, close-on-exec.
[[nodiscard]] mkstemp_result mkstemp(const name_options& options = {});
[[nodiscard]] mkstemp_result mkstemp(const name_options& options, std::error_code& ec);

/// Makes a directory that nobody else has, mode exactly 0700.
[[nodiscard]] std::filesystem::path mkdtemp(const name_options& options = {});
[[nodiscard]] std::filesystem::path mkdtemp(const name_options& options, std::error_code& ec);

/// Answers a name at which nothing stood a moment ago, and makes nothing. By the time it is used somebody else may have
/// put something there; that is how files get overwritten and links followed (CWE-377).
[[deprecated(
    "the name can be taken before you use it; use mkstemp, mkdtemp or named_temporary_file")]] [[nodiscard]] std::
    filesystem::path
    mktemp(const name_options& options = {});
[[deprecated(
    "the name can be taken before you use it; use mkstemp, mkdtemp or named_temporary_file")]] [[nodiscard]] std::
    filesystem::path
    mktemp(const name_options& options, std::error_code& ec);

}  // namespace tempfile
