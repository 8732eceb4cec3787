#include "trees.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.hpp"

namespace bench {
namespace {

int make_directory(int at, const std::string& name) {
    must(mkdirat(at, name.c_str(), 0700) == 0, name);
    const int made = openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(made >= 0, name);
    return made;
}

void fill(int directory, int files) {
    for (int i = 0; i < files; ++i) {
        const std::string name = "file-" + std::to_string(i);
        must(mknodat(directory, name.c_str(), S_IFREG | 0600, 0) == 0, name);
    }
}

void make_branch(int at, const std::string& name, int levels_below, int files_each) {
    const int made = make_directory(at, name);
    fill(made, files_each);
    for (int i = 0; levels_below > 0 && i < 10; ++i) {
        make_branch(made, "directory-" + std::to_string(i), levels_below - 1, files_each);
    }
    close(made);
}

}  // namespace

paths make_branches(int files) {
    make_branch(AT_FDCWD, "tree", 3, files / 1111);
    return {"tree"};
}

paths make_one_directory(int files) {
    const int made = make_directory(AT_FDCWD, "tree");
    fill(made, files);
    close(made);
    return {"tree"};
}

paths make_hundreds(int files) {
    paths made;
    for (int i = 0; i < files / 100; ++i) {
        made.push_back("tree-" + std::to_string(i));
        make_branch(AT_FDCWD, made.back(), 0, 100);
    }
    return made;
}

paths make_chain(int directories) {
    int at = AT_FDCWD;
    for (int i = 0; i < directories; ++i) {
        const int next = make_directory(at, "tree");
        if (at != AT_FDCWD) {
            close(at);
        }
        at = next;
    }
    close(at);
    return {"tree"};
}

paths make_empty_directory(int) {
    return make_one_directory(0);
}

}  // namespace bench
