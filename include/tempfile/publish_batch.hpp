/// @file
/// `tempfile::publish_batch`: many files published together, and the disk waited for once.
///
/// @code
/// tempfile::publish_batch batch;
/// for (int i = 0; i < 3; ++i)
///     batch.add("part" + std::to_string(i)) << "contents " << i << '\n';
/// const auto done = batch.commit();                  // all of them are on the disk
/// assert(done.published.size() == 3 && done.published[0].durable == tempfile::durability::data_and_directory);
/// @endcode
///
/// Waiting for the disk is what takes time, and nearly all of it is spent for one file as for a hundred. `commit()`
/// begins to write all files back, waits for each, several at the same time (`publish_batch_options::threads`), gives
/// all of them their names, and waits for each directory once.
///
/// **Each file is published atomically, all of them together are not**: no system can do that. When something fails
/// before the first name is given, nothing has changed. When it fails in between, `batch_result` says which ones were
/// published; the others are still in the batch, and `commit()` can be repeated.

#pragma once

#include <tempfile/atomic_file.hpp>

#include <cstddef>
#include <filesystem>
#include <list>
#include <system_error>
#include <utility>
#include <vector>

namespace tempfile {

/// What a batch can be told.
struct publish_batch_options {
    /// What is waited for, for all of them; instead of what their own rules say.
    durability durable = durability::data_and_directory;
    /// Waits for whole file systems (syncfs(2)) instead of each file and directory: faster with very many files, and
    /// slower when others have much to write there. Where it promises nothing (FUSE, network file systems), each file
    /// is waited for all the same. Before Linux 5.8 it tells of no errors.
    bool whole_file_systems = false;
    /// How many files are waited for at the same time, by as many threads, which are gone when `commit()` returns; at
    /// most 16. 0: one, until there are 16 files on a disk, from then on 8. 1: no thread is ever started.
    unsigned threads = 0;
};

/// What was achieved.
struct batch_result {
    std::vector<persisted> published{};  ///< In the order in which they were added.
    std::size_t left = 0;                ///< How many are still in the batch.
};

/// A `commit()` of a batch that failed.
class batch_error : public std::filesystem::filesystem_error {
public:
    /// With what was achieved all the same.
    batch_error(const std::filesystem::filesystem_error& first, batch_result result)
        : filesystem_error(first), result_(std::move(result)) {}
    /// What was published by then.
    [[nodiscard]] const batch_result& result() const noexcept { return result_; }

private:
    batch_result result_;
};

/// Files that are published together.
class [[nodiscard]] publish_batch {
public:
    /// An empty one.
    explicit publish_batch(const publish_batch_options& options = {}) : options_(options) {}

    /// Adds a file, made as by its constructor; it lives in the batch, until it is published. Each has a descriptor
    /// open; those of one directory that are added one after another share another one for that.
    atomic_file& add(const std::filesystem::path& target, const persist_options& rules = {},
                     const atomic_file_options& options = {});
    /// Adds one that is there already.
    atomic_file& add(atomic_file&& file);

    /// How many are in it.
    [[nodiscard]] std::size_t size() const noexcept { return files_.size(); }

    /// Publishes all of them; those that were published leave the batch.
    /// @throws batch_error with the first thing that went wrong, and what was published by then. What could not be
    ///         waited for after that is an error, too. std::system_error before anything is published, when bytes are
    ///         missing in one of them, which was told when they were written: cancel() that one, or write it anew.
    batch_result commit();
    batch_result commit(std::error_code& ec);

    /// Gives up all that are in it.
    void cancel() noexcept { files_.clear(); }

private:
    struct item;

    problem commit_now(batch_result& result);
    problem prepare_all(std::list<item>& all);
    problem wait_for_all(std::list<item>& all);
    problem wait_for_names(const std::list<item>& all) const;
    problem name_all(std::list<item>& all);
    void take_out(std::list<item>& all, batch_result& result) noexcept;

    publish_batch_options options_;
    bool waits_for_whole_ = false;  // while it is published
    std::list<atomic_file> files_;
};

}  // namespace tempfile
