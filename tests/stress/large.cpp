// Hundreds of megabytes, and positions beyond what 32 bits hold.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t mebi = 1024 * 1024;
constexpr std::uint64_t gibi = 1024 * mebi;

// FNV-1a over words: fast, and notices bytes that are missing, doubled or in the wrong place.
class checksum {
public:
    void add(std::string_view bytes) {
        for (const char byte : bytes) {
            value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
        }
    }
    friend bool operator==(const checksum&, const checksum&) = default;

private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

std::string noise(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::mt19937_64 random(bytes);
    for (char& c : text) {
        c = static_cast<char>(random());
    }
    return text;
}

class large : public testing::Test {
protected:
    void need(std::uint64_t space) {
        if (fs::space(gettempdir()).available < space + 100 * mebi) {
            GTEST_SKIP() << gettempdir() << " has not the " << space / mebi << " MiB free that this needs";
        }
    }

    // Pieces of all sizes, so that buffered, passed-by and split ones come in any order.
    checksum write_all(file_object& to, std::uint64_t total) {
        checksum sum;
        std::uint64_t written = 0;
        for (std::size_t i = 0; written < total; ++i) {
            const std::size_t size = std::min<std::uint64_t>(total - written, sizes[i % std::size(sizes)]);
            const auto piece = std::string_view(bytes).substr(i % 1000, size);
            to.write(piece);
            sum.add(piece);
            written += size;
        }
        return sum;
    }

    checksum read_all(file_object& from) {
        checksum sum;
        for (std::string piece; !(piece = from.read(sizes[next++ % std::size(sizes)])).empty();) {
            sum.add(piece);
        }
        return sum;
    }

    static constexpr std::size_t sizes[] = {1, 100, 4096, 65'535, 65'536, 65'537, 300'000, 1'000'000, 7};
    const std::string bytes = noise(1'001'000);
    std::size_t next = 0;
};

TEST_F(large, temporary_file_holds_300_MB) {
    ASSERT_NO_FATAL_FAILURE(need(300 * mebi));
    temporary_file fp;
    const checksum written = write_all(fp, 300'000'000);
    EXPECT_EQ(fp.size(), 300'000'000U);
    fp.seek(0);
    EXPECT_TRUE(read_all(fp) == written);
    EXPECT_EQ(fp.tell(), 300'000'000U);
}

TEST_F(large, spooled_temporary_file_holds_300_MB) {
    ASSERT_NO_FATAL_FAILURE(need(300 * mebi));
    spooled_temporary_file spool;
    const checksum written = write_all(spool, 300'000'000);
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.size(), 300'000'000U);
    spool.seek(0);
    EXPECT_TRUE(read_all(spool) == written);
}

TEST_F(large, spooled_temporary_file_holds_300_MB_in_memory_when_told_so) {
    spooled_temporary_file spool({.max_size = 300'000'000});
    const checksum written = write_all(spool, 300'000'000);
    EXPECT_FALSE(spool.rolled());
    spool.seek(0);
    EXPECT_TRUE(read_all(spool) == written);
    ASSERT_NO_FATAL_FAILURE(need(300 * mebi));
    spool.rollover();
    spool.seek(0);
    EXPECT_TRUE(read_all(spool) == written);
}

// Sparse: only what is written takes room on the disk.
TEST_F(large, positions_beyond_4_GiB) {
    for (const std::uint64_t far : {4 * gibi - 3, 4 * gibi, 5 * gibi + 1, 64 * gibi}) {
        temporary_file fp;
        fp << "begin";
        fp.seek(static_cast<std::int64_t>(far));
        EXPECT_EQ(fp.tell(), far);
        std::error_code ec;
        fp.write("far away", ec);
        fp.flush(ec);
        if (ec == std::errc::file_too_large) {
            GTEST_SKIP() << "the file system of " << gettempdir() << " holds no file of " << far << " bytes";
        }
        ASSERT_FALSE(ec) << ec.message();
        EXPECT_EQ(fp.size(), far + 8);

        fp.seek(-3, std::ios::end);
        EXPECT_EQ(fp.tell(), far + 5);
        EXPECT_EQ(fp.read(), "way");
        fp.seek(static_cast<std::int64_t>(far) - 2);
        EXPECT_EQ(fp.read(5), std::string("\0\0far", 5));
        fp.seek(0);
        EXPECT_EQ(fp.read(5), "begin");

        EXPECT_EQ(fp.truncate(far + 3), far + 3);
        EXPECT_EQ(fp.size(), far + 3);
        fp.seek(static_cast<std::int64_t>(far));
        EXPECT_EQ(fp.read(), "far");
        fp.seekg(static_cast<std::streamoff>(far + 1));
        EXPECT_EQ(fp.get(), 'a');
        EXPECT_EQ(fp.tellg(), static_cast<std::streamoff>(far + 2));
    }
}

TEST_F(large, a_spool_goes_to_the_disk_for_a_position_beyond_4_GiB) {
    spooled_temporary_file spool;
    spool << "begin";
    spool.seek(static_cast<std::int64_t>(5 * gibi));
    EXPECT_FALSE(spool.rolled());
    std::error_code ec;
    spool.write("far away", ec);
    spool.flush(ec);
    if (ec == std::errc::file_too_large) {
        GTEST_SKIP() << "the file system of " << gettempdir() << " holds no file of 5 GiB";
    }
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.size(), 5 * gibi + 8);
    spool.seek(0);
    EXPECT_EQ(spool.read(5), "begin");
    spool.seek(-8, std::ios::end);
    EXPECT_EQ(spool.read(), "far away");
}

TEST_F(large, the_plain_file_reaches_beyond_4_GiB) {
    auto [f, path] = mkstemp();
    fs::remove(path);
    std::error_code ec;
    f.pwrite("far away", 5 * gibi, ec);
    if (ec == std::errc::file_too_large) {
        GTEST_SKIP() << "the file system of " << gettempdir() << " holds no file of 5 GiB";
    }
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_EQ(f.size(), 5 * gibi + 8);
    EXPECT_EQ(f.seek(-8, std::ios::end), 5 * gibi);
    char text[8];
    EXPECT_EQ(f.read(std::as_writable_bytes(std::span(text))), 8U);
    EXPECT_EQ(std::string_view(text, 8), "far away");
    f.truncate(6 * gibi);
    EXPECT_EQ(f.size(), 6 * gibi);
    EXPECT_EQ(f.reopen().size(), 6 * gibi);
}

}  // namespace
}  // namespace tempfile::test
