// Does one thing again and again, for strace to count: traced WHAT ROUNDS. Between the rounds stands a system call that
// nobody else makes, and before the first one is a round that warms up.

#include <tempfile/tempfile.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "sys/sys.hpp"

namespace {

const std::string page(4096, 'p');
const std::string megabyte(1 << 20, 'm');

void tell(const std::string& text) {
    if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        std::abort();
    }
}

std::string tmpdir() {
    return std::getenv("TMPDIR");
}

void write_in_tmpdir(const std::string& name, tempfile::durability durable) {
    tempfile::write_file(tmpdir() + "/" + name, page, {.durable = durable});
}

// The first round is to warm up all that the others use.
bool make_others() {
    for (int i = 0; i < 2; ++i) {
        write_in_tmpdir("published", tempfile::durability::none);
        write_in_tmpdir("published-too", tempfile::durability::none);
    }
    return true;
}

void write_over_another_one(tempfile::durability durable) {
    [[maybe_unused]] static const bool warm = make_others();
    write_in_tmpdir("published", durable);
}

// As short as possible: what is allocated here is not to grow the heap in some rounds only.
// The whole life of what has a name; what is in the directory is made by others.
void named_life() {
    tempfile::named_temporary_file fp;
    fp << "small";
    tempfile::temporary_directory dir;
    std::filesystem::create_directories(dir / "sub/sub");
    std::ofstream(dir / "sub/file") << "x";
    tempfile::named_temporary_file inside({.dir = dir.path()});
    inside.flush();
    inside.close();
    const std::filesystem::path kept = tempfile::named_temporary_file({.prefix = "kept-"}).keep();
    tell("kept " + kept.filename().string() + '\n');  // from now on it must be there
    dir.cleanup();
    fp.close();
    tell("removing\n");
    std::filesystem::remove(kept);
}

// The rest of it is the worker's.
void handed_over() {
    tempfile::temporary_directory dir({.cleanup = tempfile::cleanup::background});
    std::filesystem::create_directories(dir / "sub/sub");
    std::ofstream(dir / "sub/file") << "x";
    dir.cleanup();
    tempfile::temporary_file fp({.cleanup = tempfile::cleanup::background});
    fp.truncate(tempfile::large_file);
}

void named_for_a_moment() {
    tempfile::sys::call.create_unnamed = [](const char*, bool, tempfile::sys::handle&) noexcept { return EOPNOTSUPP; };
    tempfile::temporary_file fp;
    fp << "small";
}

// Each kind of object gets its final name, where something stands already, and with a name of its own before.
void publish_each() {
    const std::filesystem::path dir = tempfile::gettempdir();
    tempfile::write_file(dir / "published", page);
    {
        tempfile::named_temporary_file fp;
        fp << page;
        fp.persist(dir / "published");
    }
    {
        tempfile::spooled_temporary_file fp;
        fp << page;
        fp.persist(dir / "published");
    }
    for (int i = 0; i < 2; ++i) {
        tempfile::temporary_directory tree;
        std::filesystem::create_directory(tree / "sub");
        std::ofstream(tree / "sub/text") << page;
        tree.persist(dir / "published-tree");
    }
    tempfile::sys::call.create_linkable = [](int, const char*, bool, std::uint32_t, tempfile::sys::handle&) noexcept {
        return EOPNOTSUPP;
    };
    tempfile::write_file(dir / "published", page);
}

const std::map<std::string, void (*)()> things = {
    {"unnamed", [] { tempfile::temporary_file().close(); }},
    {"unnamed destroyed", [] { tempfile::temporary_file fp; }},
    {"unnamed round trip",
     [] {
         tempfile::temporary_file fp;
         fp.write(page);
         fp.flush();
         fp.seek(0);
         if (fp.read(page.size()) != page) {
             std::abort();
         }
     }},
    {"unnamed round trip in the buffer",
     [] {
         tempfile::temporary_file fp;
         fp.write(page);
         fp.seek(0);
         if (fp.read(page.size()) != page) {
             std::abort();
         }
     }},
    {"named closed",
     [] {
         tempfile::named_temporary_file fp;
         fp.write(std::string_view(page).substr(0, 100));
         fp.close();
     }},
    {"named destroyed",
     [] {
         tempfile::named_temporary_file fp;
         fp.write(std::string_view(page).substr(0, 100));
     }},
    {"named kept",
     [] {
         tempfile::named_temporary_file fp({.deletion = tempfile::delete_when::never});
         fp.write(std::string_view(page).substr(0, 100));
     }},
    {"directory", [] { const tempfile::temporary_directory dir; }},
    {"directory cleaned up",
     [] {
         tempfile::temporary_directory dir;
         dir.cleanup();
     }},
    {"tree",
     [] {
         const tempfile::temporary_directory dir;
         std::filesystem::create_directories(dir / "a/b/c");
         std::filesystem::create_directories(dir / "d/e");
     }},
    {"mkstemp", [] { tempfile::mkstemp().file.close(); }},
    {"mkdtemp", [] { static_cast<void>(tempfile::mkdtemp()); }},
    {"spool in memory",
     [] {
         tempfile::spooled_temporary_file spool;
         spool.write(page);
         spool.seek(0);
         if (spool.read() != page) {
             std::abort();
         }
     }},
    {"spool rolled over",
     [] {
         tempfile::spooled_temporary_file spool({.max_size = 5000});
         spool.write(page);
         spool.write(page);
         spool.flush();
         spool.seek(0);
         if (spool.read(2 * page.size()) != page + page) {
             std::abort();
         }
     }},
    {"gettempdir", [] { static_cast<void>(tempfile::gettempdir()); }},
    {"gettempdir overridden",
     [] {
         const tempfile::scoped_tempdir here("/");
         static_cast<void>(tempfile::gettempdir());
     }},
    {"named life", named_life},
    {"named life with cleanup on signals",
     [] {
         tempfile::cleanup_on_signals();
         named_life();
     }},
    {"handed over", handed_over},
    {"handed over with cleanup on signals",
     [] {
         tempfile::cleanup_on_signals();
         handed_over();
     }},
    {"publish", publish_each},
    {"publish with cleanup on signals",
     [] {
         tempfile::cleanup_on_signals();
         publish_each();
     }},
    {"write_file over another one", [] { write_over_another_one(tempfile::durability::none); }},
    {"durable write_file over another one", [] { write_over_another_one(tempfile::durability::data_and_directory); }},
    {"durable write_file of a new one",
     [] {
         write_in_tmpdir("new", tempfile::durability::data_and_directory);
         ::unlink((tmpdir() + "/new").c_str());
     }},
    {"batch of two over others",
     [] {
         [[maybe_unused]] static const bool warm = make_others();
         tempfile::publish_batch batch;
         batch.add(tmpdir() + "/published") << page;
         batch.add(tmpdir() + "/published-too") << page;
         batch.commit();
     }},
    // Nobody destroys these but the end of the process.
    {"abandoned with cleanup on signals",
     [] {
         tempfile::cleanup_on_signals();
         *new tempfile::named_temporary_file << "small" << std::flush;
         auto* const dir = new tempfile::temporary_directory;
         std::ofstream(*dir / "file") << "x";
     }},
    // A file without a name, where such files must have one for a moment.
    {"named for a moment", named_for_a_moment},
    {"named for a moment with cleanup on signals",
     [] {
         tempfile::cleanup_on_signals();
         named_for_a_moment();
     }},
    // The whole life of files that have no name.
    {"life",
     [] {
         tempfile::temporary_file fp;
         fp << "small";
         fp.write(megabyte);
         fp.seek(0);
         static_cast<void>(fp.read(100));
         fp.truncate(10);
         const tempfile::file other = fp.reopen();
         tempfile::spooled_temporary_file spool({.max_size = 5000});
         spool.write(page);
         spool.write(megabyte);
         spool.seek(0);
         static_cast<void>(spool.read());
         spool.close();
         fp.close();
     }},
};

void mark() {
    if (::write(-1, "mark", 4) != -1) {
        std::abort();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto thing = things.find(argc == 3 ? argv[1] : "");
    if (thing == things.end()) {
        std::cerr << "traced: say WHAT ROUNDS\n";
        return 2;
    }
    for (int round = -1; round < std::atoi(argv[2]); ++round) {
        if (round >= 0) {
            mark();
        }
        thing->second();
    }
    mark();
}
