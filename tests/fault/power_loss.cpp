// The power goes before every single call of a publication: the file system is shut down without writing out what it
// has in memory (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN), and mounted anew.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "support/every_call.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::enter_own_mount_namespace;
using tempfile::test::every_call;
using tempfile::test::scratch;
using tempfile::test::shell;
using path = std::filesystem::path;

const std::string old_text(10'000, 'o');
const std::string new_text(100'000, 'n');

std::string contents(const path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A file system in an image, whose power can be cut.
class machine {
public:
    explicit machine(const char* make_image) : why_not_(enter_own_mount_namespace()) {
        std::filesystem::create_directory(root());
        why_not_ = why_not_.empty() ? shell("cd " + work_.path().string() + "; " + make_image) : why_not_;
        start();
    }
    ~machine() { ::umount2(root().c_str(), MNT_DETACH); }
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    [[nodiscard]] path root() const { return work_ / "mounted"; }
    [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

    void cut_power() const {
        const int h = ::open(root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        std::uint32_t without_writing_the_log = 2;
        ASSERT_EQ(::ioctl(h, _IOR('X', 125, std::uint32_t), &without_writing_the_log), 0);
        ::close(h);
    }

    void start_again() {
        ASSERT_EQ(::umount(root().c_str()), 0);
        start();
        ASSERT_EQ(why_not_, "");
    }

private:
    void start() {
        why_not_ = why_not_.empty() ? shell("cd " + work_.path().string() + "; mount -o loop image mounted") : why_not_;
    }

    scratch work_;
    std::string why_not_;
};

struct disk {
    const char* name;
    const char* image;
};

class power_loss : public testing::TestWithParam<disk> {
protected:
    void SetUp() override {
        if (!on.why_not().empty()) {
            GTEST_SKIP() << GetParam().name << ": " << on.why_not();
        }
    }

    // Publishes, and cuts the power before the n-th call, or after the last; how many calls there were.
    template <class Publish>
    int publish_and_cut(int n, Publish publish, bool& returned) {
        int calls = 0;
        bool off = false;
        const every_call cut([&](std::string_view) {
            off = off || ++calls == n;
            if (calls == n && off) {
                on.cut_power();
                ++calls;
            }
            return 0;
        });
        std::error_code ec;
        publish(ec);
        returned = !ec && !off;
        if (!off) {
            on.cut_power();
        }
        return calls;
    }

    // With every cut; says how many there were.
    template <class Publish>
    void expect_old_or_new(const char* what, bool exists, durability durable, Publish publish) {
        int cuts = 0;
        int news = 0;
        for (bool all = false; !all; ++cuts) {
            std::filesystem::remove(target);
            if (exists) {
                std::ofstream(target) << old_text;
            }
            ::sync();
            bool returned = false;
            all = publish_and_cut(cuts + 1, publish, returned) <= cuts;
            on.start_again();
            const std::string now = contents(target);
            EXPECT_TRUE(now == new_text || now == (exists ? old_text : ""))
                << what << ", cut " << cuts << ": " << now.size() << " bytes";
            EXPECT_TRUE(exists || !std::filesystem::exists(target) || now == new_text) << what << ", cut " << cuts;
            EXPECT_TRUE(!returned || durable != durability::data_and_directory || now == new_text)
                << what << ": it had returned";
            news += now == new_text ? 1 : 0;
        }
        EXPECT_GT(cuts, 8);
        std::cout << GetParam().name << ", " << what << ": " << cuts << " cuts, after " << news
                  << " it was the new one\n";
    }

    machine on{GetParam().image};
    const path target = on.root() / "target";
};

TEST_P(power_loss, T15_the_target_is_the_whole_old_or_the_whole_new_one) {
    const auto write = [&](durability durable) {
        return
            [this, durable](std::error_code& ec) { tempfile::write_file(target, new_text, {.durable = durable}, ec); };
    };
    const auto persist = [&](std::error_code& ec) {
        named_temporary_file fp({.dir = on.root()}, ec);
        if (!ec) {
            fp.write(new_text, ec);
            fp.persist(target, {}, ec);
        }
    };
    expect_old_or_new("a file replaced", true, durability::data_and_directory, write(durability::data_and_directory));
    expect_old_or_new("a named file persisted", true, durability::data, persist);
    if (std::getenv("TEMPFILE_STRESS_SECONDS") == nullptr) {
        return;  // a cut takes a tenth of a second
    }
    expect_old_or_new("a new file", false, durability::data_and_directory, write(durability::data_and_directory));
    expect_old_or_new("a file replaced, its name not waited for", true, durability::data, write(durability::data));
}

INSTANTIATE_TEST_SUITE_P(on, power_loss,
                         testing::Values(disk{"ext4", "truncate -s 32M image; mkfs.ext4 -q -F image"},
                                         disk{"xfs", "truncate -s 320M image; mkfs.xfs -q image"}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
