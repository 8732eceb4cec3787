// What must not compile. Each case is wrong in one way when its macro is defined, and right when it is not; with none
// defined this file must compile.

#include <tempfile/tempfile.hpp>

#include <utility>

namespace {

// The guard would be gone before the name is used.

[[maybe_unused]] void T24_path_of_a_passing_named_file() {
#ifdef BAD_T24_path_of_a_passing_named_file
    const auto path = tempfile::named_temporary_file().path();
#else
    const tempfile::named_temporary_file fp;
    const auto path = fp.path();
#endif
}

tempfile::named_temporary_file make_named() {
    return tempfile::named_temporary_file();
}

[[maybe_unused]] void T24_path_of_a_returned_named_file() {
#ifdef BAD_T24_path_of_a_returned_named_file
    const auto path = make_named().path();
#else
    const auto fp = make_named();
    const auto path = fp.path();
#endif
}

[[maybe_unused]] void T24_path_of_a_passing_directory() {
#ifdef BAD_T24_path_of_a_passing_directory
    const auto path = tempfile::temporary_directory().path();
#else
    const tempfile::temporary_directory dir;
    const auto path = dir.path();
#endif
}

[[maybe_unused]] void T24_path_of_a_moved_directory(tempfile::temporary_directory dir) {
#ifdef BAD_T24_path_of_a_moved_directory
    const auto path = std::move(dir).path();
#else
    const auto path = dir.path();
#endif
}

[[maybe_unused]] void T24_path_in_a_passing_directory() {
#ifdef BAD_T24_path_in_a_passing_directory
    const auto path = tempfile::temporary_directory() / "a.txt";
#else
    const tempfile::temporary_directory dir;
    const auto path = dir / "a.txt";
#endif
}

[[maybe_unused]] void T24_named_file_as_a_path(const tempfile::named_temporary_file& fp) {
#ifdef BAD_T24_named_file_as_a_path
    const std::filesystem::path path = fp;
#else
    const std::filesystem::path path = fp.path();
#endif
}

[[maybe_unused]] void T24_directory_as_a_path(const tempfile::temporary_directory& dir) {
#ifdef BAD_T24_directory_as_a_path
    const std::filesystem::path path = dir;
#else
    const std::filesystem::path path = dir.path();
#endif
}

[[maybe_unused]] void T24_passing_guard_of_a_scope() {
#ifdef BAD_T24_passing_guard_of_a_scope
    tempfile::scoped_tempdir("/var/tmp");
#else
    const tempfile::scoped_tempdir here("/var/tmp");
#endif
}

[[maybe_unused]] void T24_passing_directory() {
#ifdef BAD_T24_passing_directory
    tempfile::temporary_directory();
#else
    const tempfile::temporary_directory dir;
#endif
}

[[maybe_unused]] void T24_lines_of_a_passing_file() {
#ifdef BAD_T24_lines_of_a_passing_file
    for (const std::string& line : tempfile::temporary_file().lines()) {
        static_cast<void>(line);
    }
#else
    tempfile::temporary_file fp;
    for (const std::string& line : fp.lines()) {
        static_cast<void>(line);
    }
#endif
}

// One owner.

[[maybe_unused]] void copy_of_a_file(tempfile::file from) {
#ifdef BAD_copy_of_a_file
    const tempfile::file to = from;
#else
    const tempfile::file to = std::move(from);
#endif
}

[[maybe_unused]] void copy_of_a_const_file(const tempfile::file& from) {
#ifdef BAD_copy_of_a_const_file
    const tempfile::file to = std::move(from);
#else
    const tempfile::file to = from.reopen();
#endif
}

[[maybe_unused]] void assignment_of_a_file(tempfile::file& to, tempfile::file from) {
#ifdef BAD_assignment_of_a_file
    to = from;
#else
    to = std::move(from);
#endif
}

[[maybe_unused]] void copy_of_a_file_buf(tempfile::file from) {
    tempfile::file_buf buffer(std::move(from));
#ifdef BAD_copy_of_a_file_buf
    const tempfile::file_buf other(buffer);
#endif
}

[[maybe_unused]] void copy_of_a_file_object(tempfile::file_object from) {
#ifdef BAD_copy_of_a_file_object
    const tempfile::file_object to(from);
#else
    const tempfile::file_object to(std::move(from));
#endif
}

[[maybe_unused]] void copy_of_a_temporary_file(tempfile::temporary_file from) {
#ifdef BAD_copy_of_a_temporary_file
    const tempfile::temporary_file to(from);
#else
    const tempfile::temporary_file to(std::move(from));
#endif
}

[[maybe_unused]] void copy_of_a_named_file(tempfile::named_temporary_file from) {
#ifdef BAD_copy_of_a_named_file
    const tempfile::named_temporary_file to(from);
#else
    const tempfile::named_temporary_file to(std::move(from));
#endif
}

[[maybe_unused]] void copy_of_a_spool(tempfile::spooled_temporary_file from) {
#ifdef BAD_copy_of_a_spool
    const tempfile::spooled_temporary_file to(from);
#else
    const tempfile::spooled_temporary_file to(std::move(from));
#endif
}

[[maybe_unused]] void copy_of_a_directory(tempfile::temporary_directory from) {
#ifdef BAD_copy_of_a_directory
    const tempfile::temporary_directory to(from);
#else
    const tempfile::temporary_directory to(std::move(from));
#endif
}

[[maybe_unused]] void assignment_of_a_directory(tempfile::temporary_directory& to, tempfile::temporary_directory from) {
#ifdef BAD_assignment_of_a_directory
    to = from;
#else
    to = std::move(from);
#endif
}

[[maybe_unused]] void copy_of_a_mkstemp_result() {
    auto from = tempfile::mkstemp();
#ifdef BAD_copy_of_a_mkstemp_result
    const auto to = from;
#else
    const auto to = std::move(from);
#endif
}

[[maybe_unused]] void copy_of_a_scope() {
    const tempfile::scoped_tempdir here("/var/tmp");
#ifdef BAD_copy_of_a_scope
    const tempfile::scoped_tempdir there(here);
#endif
}

[[maybe_unused]] void copy_of_tempdir() {
#ifdef BAD_copy_of_tempdir
    const auto before = tempfile::tempdir;
#else
    const auto before = tempfile::tempdir.value();
#endif
}

// What each of two types owns is not what the other can look after.

[[maybe_unused]] void swap_of_two_types(tempfile::temporary_file& a, tempfile::named_temporary_file& b) {
#ifdef BAD_swap_of_two_types
    swap(a, b);
#else
    swap(a, a);
    swap(b, b);
#endif
}

// Nothing is made by accident.

[[maybe_unused]] void file_from_a_number() {
#ifdef BAD_file_from_a_number
    const tempfile::file f = 3;
#else
    const tempfile::file f(3);
#endif
}

[[maybe_unused]] void temporary_file_from_options() {
#ifdef BAD_temporary_file_from_options
    const tempfile::temporary_file fp = tempfile::temporary_file_options{};
#else
    const tempfile::temporary_file fp(tempfile::temporary_file_options{});
#endif
}

[[maybe_unused]] void named_file_from_options() {
#ifdef BAD_named_file_from_options
    const tempfile::named_temporary_file fp = tempfile::named_temporary_file_options{};
#else
    const tempfile::named_temporary_file fp(tempfile::named_temporary_file_options{});
#endif
}

[[maybe_unused]] void spool_from_options() {
#ifdef BAD_spool_from_options
    const tempfile::spooled_temporary_file fp = tempfile::spooled_temporary_file_options{};
#else
    const tempfile::spooled_temporary_file fp(tempfile::spooled_temporary_file_options{});
#endif
}

[[maybe_unused]] void directory_from_options() {
#ifdef BAD_directory_from_options
    const tempfile::temporary_directory dir = tempfile::temporary_directory_options{};
#else
    const tempfile::temporary_directory dir(tempfile::temporary_directory_options{});
#endif
}

[[maybe_unused]] void file_object_from_a_file(tempfile::file from) {
#ifdef BAD_file_object_from_a_file
    const tempfile::file_object fp = std::move(from);
#else
    const tempfile::file_object fp(std::move(from));
#endif
}

[[maybe_unused]] void scope_from_a_path(const std::filesystem::path& dir) {
#ifdef BAD_scope_from_a_path
    const tempfile::scoped_tempdir here = dir;
#else
    const tempfile::scoped_tempdir here(dir);
#endif
}

// An answer that matters is not thrown away.

[[maybe_unused]] void lost_mkstemp() {
#ifdef BAD_lost_mkstemp
    tempfile::mkstemp();
#else
    const auto made = tempfile::mkstemp();
#endif
}

[[maybe_unused]] void lost_mkdtemp() {
#ifdef BAD_lost_mkdtemp
    tempfile::mkdtemp();
#else
    const auto made = tempfile::mkdtemp();
#endif
}

[[maybe_unused]] void lost_handle(tempfile::file& f) {
#ifdef BAD_lost_handle
    f.release();
#else
    const int handle = f.release();
    static_cast<void>(handle);
#endif
}

[[maybe_unused]] void lost_reopened_file(tempfile::temporary_file& fp) {
#ifdef BAD_lost_reopened_file
    fp.reopen();
#else
    const auto other = fp.reopen();
#endif
}

[[maybe_unused]] void lost_question(const tempfile::temporary_file& fp) {
#ifdef BAD_lost_question
    fp.closed();
#else
    const bool closed = fp.closed();
    static_cast<void>(closed);
#endif
}

// A name that somebody else can take first.

[[maybe_unused]] void S1_mktemp() {
#ifdef BAD_S1_mktemp
    const auto name = tempfile::mktemp();
#else
    const auto name = tempfile::mkdtemp();
#endif
}

}  // namespace
