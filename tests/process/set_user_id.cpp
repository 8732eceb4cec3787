// T27: in a program that runs with more rights than its caller, the caller's environment says nothing.

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "child.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

bool honours_set_user_id(const fs::path& dir) {
    struct statvfs status {};
    return ::statvfs(dir.c_str(), &status) == 0 && (status.f_flag & (ST_NOSUID | ST_NOEXEC)) == 0;
}

constexpr uid_t somebody = 12321;  // neither root nor the attacker, and in no need of an account

class set_user_id : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can make a program of another user's";
        }
        if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
            GTEST_SKIP() << "this process was told never to gain privileges (PR_SET_NO_NEW_PRIVS)";
        }
        if (sanitizer == "AddressSanitizer") {
            GTEST_SKIP() << "AddressSanitizer looks for leaks at the end, which fails in a set-user-id program";
        }
        for (const char* const parent : {"/tmp", "/var/tmp", "/root"}) {
            if (honours_set_user_id(parent)) {
                dir.emplace(parent);
                prepare();
                return;
            }
        }
        GTEST_SKIP() << "every file system tried is mounted with nosuid";
    }

    void prepare() {
        fs::permissions(dir->path(), fs::perms(0755));
        fs::copy_file(ACTOR, program());
        fs::create_directory(attackers());
        fs::permissions(attackers(), fs::perms(0777));
    }

    [[nodiscard]] fs::path program() const { return *dir / "actor"; }
    [[nodiscard]] fs::path attackers() const { return *dir / "attackers"; }

    // What the program answers to an ordinary user who says where temporary files are to go.
    [[nodiscard]] std::string where(uid_t owner, gid_t group, mode_t mode) const {
        EXPECT_EQ(::chown(program().c_str(), owner, group), 0);
        EXPECT_EQ(::chmod(program().c_str(), mode), 0);  // chown(2) takes the set-user-id bit away
        const ended actor = run({program().string(), "where"}, [this] {
            become_ordinary_user();
            for (const char* const variable : {"TMPDIR", "TEMP", "TMP"}) {
                ::setenv(variable, attackers().c_str(), 1);
            }
        });
        EXPECT_TRUE(actor.well()) << in_words(actor.status);
        return actor.text;
    }

    void expect_environment_ignored(const std::string& answer) const {
        EXPECT_EQ(answer.find(attackers().string()), std::string::npos) << answer;
        EXPECT_NE(answer.find("\nignored\n"), std::string::npos) << answer;
        EXPECT_TRUE(fs::is_empty(attackers()));
    }

    std::optional<scratch> dir;
};

TEST_F(set_user_id, T27_program_of_another_user_ignores_TMPDIR) {
    expect_environment_ignored(where(somebody, 0, 04755));
}

TEST_F(set_user_id, T27_program_of_root_ignores_TMPDIR) {
    expect_environment_ignored(where(0, 0, 04755));
}

TEST_F(set_user_id, T27_set_group_id_program_ignores_TMPDIR) {
    expect_environment_ignored(where(0, somebody, 02755));
}

// The tests above must be able to fail.
TEST_F(set_user_id, T27_the_same_program_without_the_bit_obeys) {
    const std::string dir_line = attackers().string() + "\n";
    EXPECT_EQ(where(somebody, 0, 0755), dir_line + dir_line + dir_line + "obeyed\n");
}

}  // namespace
}  // namespace tempfile::test
