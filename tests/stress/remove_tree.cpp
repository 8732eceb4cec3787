// remove_tree on random trees, against a model of what must be gone, what must stay and what must be reported.
// TEMPFILE_STRESS_SEED=N repeats one; TEMPFILE_STRESS_SECONDS says for how long on each file system, and without it
// there are few.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <tempfile/remove_tree.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/file_systems.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/large_directories.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_memory;
using tempfile::test::nobody;
using tempfile::test::scratch;
using path = std::filesystem::path;

using names = std::set<std::string>;

// A random tree, and what will become of it when its owner, an ordinary user, has it removed, or root; with what is
// mounted in it, or without.
class random_tree {
public:
    random_tree(const path& world, unsigned seed, bool as_root, bool crosses)
        : world_(world), as_root_(as_root), crosses_(crosses), random_(seed) {
        std::filesystem::create_directory(root());
        own(root());
        fill(root(), 0);
        lock_directories();
    }
    ~random_tree() {
        for (const std::string& mount : mounts_) {
            ::umount2(mount.c_str(), MNT_DETACH);
        }
    }
    random_tree(const random_tree&) = delete;
    random_tree& operator=(const random_tree&) = delete;

    [[nodiscard]] path root() const { return world_ / "tree"; }
    [[nodiscard]] const names& staying() const { return staying_; }
    [[nodiscard]] const names& reported() const { return reported_; }
    [[nodiscard]] std::size_t made() const { return made_; }
    [[nodiscard]] bool crosses() const { return crosses_; }
    // Those of files of which no name stays.
    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [size, all] : files_) {
            const bool goes = std::none_of(all.begin(), all.end(), [&](const auto& n) { return staying_.contains(n); });
            sum += goes ? size : 0;
        }
        return sum;
    }
    [[nodiscard]] const std::vector<path>& directories() const { return ours_; }

    // Those that stay have the modes that they had.
    void check_modes(std::ostream& wrong) const {
        for (const auto& [dir, mode] : modes_) {
            struct stat is {};
            if (::lstat(dir.c_str(), &is) == 0 && (is.st_mode & 07777U) != mode) {
                wrong << "has another mode: " << dir << '\n';
            }
        }
    }

private:
    unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }

    // Any bytes that a name may have.
    std::string name() {
        std::string text = std::to_string(made_) + "_";  // so that all differ
        for (unsigned length = below(16) == 0 ? 100 : below(12); length != 0; --length) {
            const char c = static_cast<char>(1 + below(255));
            text += c == '/' ? '.' : c;
        }
        return text;
    }

    static void own(const path& what) { ::lchown(what.c_str(), nobody, nobody); }

    void fill(const path& dir, unsigned depth) {
        for (unsigned entries = below(depth == 0 ? 30 : 8); entries != 0; --entries) {
            add(dir / name(), depth);
        }
    }

    void add(const path& what, unsigned depth) {
        ++made_;
        switch (below(depth < 12 ? 14 : 7)) {
            case 0:
                std::filesystem::create_symlink(world_ / "outside", what);
                break;
            case 1:
                std::filesystem::create_symlink(below(2) == 0 ? path("nowhere") : root(), what);
                break;
            case 2:
                ::mkfifo(what.c_str(), 0600);
                break;
            case 3:
                ::mknod(what.c_str(), (below(2) == 0 ? S_IFSOCK : S_IFCHR) | 0600, makedev(5, 0));
                break;
            case 4:
                return add_name(what);
            case 12:
                return below(3) == 0 ? add_strangers(what) : add_directory(what, depth);
            case 13:
                return below(3) == 0 ? add_mount(what) : add_directory(what, depth);
            default:
                if (below(2) == 0) {
                    add_file(what);
                    linkable_.push_back(files_.size() - 1);
                } else {
                    return add_directory(what, depth);
                }
        }
        own(what);
    }

    void add_file(const path& what) {
        const unsigned size = below(50);
        std::ofstream(what) << std::string(size, 'x');
        files_.push_back({size, {what.string()}});
    }

    // Of the canary, which stays its owner's, or of a file of the tree.
    void add_name(const path& what) {
        if (linkable_.empty() || below(3) == 0) {
            std::filesystem::create_hard_link(world_ / "outside/canary", what);
            return;
        }
        file_of_tree& chosen = files_[linkable_[below(static_cast<unsigned>(linkable_.size()))]];
        std::filesystem::create_hard_link(*chosen.all_names.begin(), what);
        chosen.all_names.insert(what.string());
    }

    void add_directory(const path& what, unsigned depth) {
        std::filesystem::create_directory(what);
        own(what);
        ours_.push_back(what);
        fill(what, depth + 1);
    }

    // Somebody else's directory, with something in it that only he may remove.
    void add_strangers(const path& what) {
        std::filesystem::create_directory(what);
        ::chmod(what.c_str(), 0755);
        const path his = what / "his";
        add_file(his);
        ++made_;
        if (!as_root_) {
            stays(his);
            reported_.insert(his.string());
        }
    }

    void add_mount(const path& what) {
        std::filesystem::create_directory(what);
        own(what);
        if (::mount("tmpfs", what.c_str(), "tmpfs", 0, "size=1m,mode=0777") != 0) {
            return;
        }
        mounts_.insert(what.string());
        add_file(what / "file");
        ++made_;
        stays(crosses_ ? what : what / "file");
        reported_.insert(what.string());
    }

    // With all that it is in.
    void stays(path what) {
        for (; what != world_; what = what.parent_path()) {
            staying_.insert(what.string());
        }
    }

    // The deepest first, while one can go there.
    void lock_directories() {
        for (auto dir = ours_.rbegin(); dir != ours_.rend(); ++dir) {
            modes_[dir->string()] = below(3) == 0 ? below(512) : 0700;
            ::chmod(dir->c_str(), modes_[dir->string()]);
        }
    }

    struct file_of_tree {
        std::uint64_t size;
        names all_names;
    };

    path world_;
    bool as_root_;
    bool crosses_;
    std::mt19937 random_;
    std::vector<file_of_tree> files_;
    std::vector<std::size_t> linkable_;  // which of them, being the owner's, and on the file system of the tree
    std::size_t made_ = 1;               // the root
    std::vector<path> ours_;
    names staying_;
    names reported_;
    names mounts_;
    std::map<std::string, unsigned> modes_;
};

names all_below(const path& root) {
    names found;
    if (std::filesystem::exists(std::filesystem::symlink_status(root))) {
        found.insert(root.string());
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            found.insert(entry.path().string());
        }
    }
    return found;
}

// Makes files in the tree for as long as it lives, where it may, as another thread of the same user.
class racing_writer {
public:
    explicit racing_writer(const std::vector<path>& where) : where_(where), thread_([this] { run(); }) {}
    ~racing_writer() { thread_.join(); }
    racing_writer(const racing_writer&) = delete;
    racing_writer& operator=(const racing_writer&) = delete;
    [[nodiscard]] std::size_t made() const { return made_; }

private:
    void run() {
        for (int i = 0; i < 200; ++i) {
            for (const path& dir : where_) {
                const int h = ::open((dir / ("racing" + std::to_string(i))).c_str(),
                                     O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
                made_ += h >= 0 ? 1U : 0U;
                ::close(h);
            }
        }
    }

    const std::vector<path>& where_;
    std::size_t made_ = 0;
    std::thread thread_;
};

void compare(std::ostream& wrong, const char* what, const names& found, const names& expected) {
    for (const std::string& name : found) {
        if (!expected.contains(name)) {
            wrong << what << " and should not: " << name << '\n';
        }
    }
    for (const std::string& name : expected) {
        if (!found.contains(name)) {
            wrong << "should, and not " << what << ": " << name << '\n';
        }
    }
}

void check_report(std::ostream& wrong, const removal_report& report, const random_tree& tree) {
    names reported;
    for (const removal_failure& f : report.failures) {
        reported.insert(f.path.string());
    }
    const bool all_kept = report.failed <= removal_report::kept;
    compare(wrong, "reported", reported, all_kept ? tree.reported() : reported);
    if (report.failed != tree.reported().size()) {
        wrong << report.failed << " failures, and should be " << tree.reported().size() << '\n';
    }
    if (report.complete != tree.reported().empty()) {
        wrong << "complete: " << report.complete << '\n';
    }
}

// As the owner, in a child.
void remove_it(std::ostream& wrong, const random_tree& tree, unsigned threads, bool counts) {
    std::error_code ec;
    const removal_report report =
        remove_tree(tree.root(), {.cross_mounts = tree.crosses(), .count_bytes = counts, .threads = threads}, ec);
    const std::uint64_t bytes = counts ? tree.bytes() : 0;
    if (report.bytes != bytes) {
        wrong << report.bytes << " bytes, and should be " << bytes << '\n';
    }
    if (report.entries != tree.made() - tree.staying().size()) {
        wrong << report.entries << " entries, and should be " << tree.made() - tree.staying().size() << '\n';
    }
    if (bool(ec) == tree.reported().empty()) {
        wrong << "code: " << ec.message() << '\n';
    }
    check_report(wrong, report, tree);
}

// The same beside a writer in another thread: what he makes goes too, or is reported, and then goes without him.
void remove_it_beside_a_writer(std::ostream& wrong, const random_tree& tree, unsigned threads) {
    std::error_code ec;
    removal_report report;
    {
        const racing_writer writer(tree.directories());
        report = remove_tree(tree.root(), {.cross_mounts = tree.crosses(), .threads = threads}, ec);
    }
    const bool gone = !std::filesystem::exists(tree.root());
    if (report.complete != gone || report.complete == bool(ec) || report.failed < tree.reported().size()) {
        wrong << "complete: " << report.complete << ", gone: " << gone << ", failures: " << report.failed << '\n';
    }
    check_report(wrong, remove_tree(tree.root(), {.cross_mounts = tree.crosses(), .threads = threads}, ec), tree);
}

std::string try_seed(unsigned seed, const path& where) {
    const scratch world(where);
    ::chmod(world.path().c_str(), 0777);
    std::filesystem::create_directory(world / "outside");
    const std::ofstream canary(world / "outside/canary");
    const names outside_before = all_below(world / "outside");
    const bool as_root = seed % 5 == 4;
    const random_tree tree(world.path(), seed, as_root, seed % 7 < 3);
    const unsigned threads = 1U << seed % 3;
    const bool with_writer = seed % 4 == 3;
    const bool all_large = seed % 11 < 5;
    const bool counts = seed % 13 < 6;  // where not, large directories are shared
    std::optional<test::large_directories> large;
    if (all_large) {
        large.emplace();
    }
    std::ostringstream wrong;
    wrong << (as_root ? test::in_child : test::as_ordinary_user)([&](std::ostream& trouble) {
        if (with_writer) {
            remove_it_beside_a_writer(trouble, tree, threads);
        } else {
            remove_it(trouble, tree, threads, counts);
        }
    });
    compare(wrong, "there", all_below(tree.root()), tree.staying());
    tree.check_modes(wrong);
    compare(wrong, "there", all_below(world / "outside"), outside_before);
    const std::string text = wrong.str();
    return text.empty() ? text
                        : "seed " + std::to_string(seed) + ", " + std::to_string(threads) + " threads" +
                              (all_large ? ", all large" : "") + ":\n" + text;
}

// Another one each time.
void try_seeds(unsigned least, const path& where) {
    const char* const given = std::getenv("TEMPFILE_STRESS_SEED");
    const char* const seconds = std::getenv("TEMPFILE_STRESS_SECONDS");
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
    const unsigned first = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    for (unsigned i = 0; i < (given != nullptr ? 1 : least) || std::chrono::steady_clock::now() < end; ++i) {
        ASSERT_EQ(try_seed(first + i, where), "");
    }
}

TEST(random_trees, T2_T3_S5_are_gone_but_for_what_must_stay_and_that_is_reported) {
    if (const std::string why_not = test::enter_own_mount_namespace(); !why_not.empty()) {
        GTEST_SKIP() << why_not;
    }
    try_seeds(30, in_memory());
}

class random_trees_on : public testing::TestWithParam<test::file_system> {};

TEST_P(random_trees_on, T2_T3_S5_the_same) {
    const test::mounted fs(GetParam().commands);
    if (!fs) {
        GTEST_SKIP() << GetParam().name << ": " << fs.why_not();
    }
    for (const path& on_the_way : {fs.path(), fs.path().parent_path()}) {
        ::chmod(on_the_way.c_str(), 0755);
    }
    try_seeds(5, fs.path());
}

using namespace test::file_systems;
INSTANTIATE_TEST_SUITE_P(every, random_trees_on, testing::Values(ext4, xfs, btrfs, overlay, bindfs, fuse_overlay),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
