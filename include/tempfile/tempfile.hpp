/// @file
/// Everything: the types and functions of Python's `tempfile`, in C++.
///
/// | you want | take |
/// |---|---|
/// | scratch space that nobody else can see | `temporary_file` |
/// | a file that another program opens by name | `named_temporary_file` |
/// | a place for an unknown amount of data, mostly small | `spooled_temporary_file` |
/// | many files | `temporary_directory` |
/// | a name and no object that cleans up | `mkstemp`, `mkdtemp` |
///
/// @code
/// tempfile::temporary_file fp;
/// fp.write("Stack Overflow!");
/// fp.seek(0);
/// std::cout << fp.read() << '\n';       // Stack Overflow!
/// @endcode

#pragma once

#include <tempfile/atomic_file.hpp>
#include <tempfile/choose_dir.hpp>
#include <tempfile/cleanup.hpp>
#include <tempfile/file.hpp>
#include <tempfile/file_buf.hpp>
#include <tempfile/file_object.hpp>
#include <tempfile/location.hpp>
#include <tempfile/mkstemp.hpp>
#include <tempfile/name.hpp>
#include <tempfile/named_temporary_file.hpp>
#include <tempfile/newline.hpp>
#include <tempfile/persist.hpp>
#include <tempfile/publish_batch.hpp>
#include <tempfile/remove_tree.hpp>
#include <tempfile/report.hpp>
#include <tempfile/signals.hpp>
#include <tempfile/spooled_temporary_file.hpp>
#include <tempfile/sweep.hpp>
#include <tempfile/temporary_directory.hpp>
#include <tempfile/temporary_file.hpp>

/// The library. See tempfile.hpp for which type to take.
namespace tempfile {}
