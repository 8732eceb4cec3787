// Stands in front of every entry of the system-call table, as long as it lives, and is asked before each call:
//
//     int calls = 0;
//     every_call third_fails([&](std::string_view) { return ++calls == 3 ? EIO : 0; });
//
// 0 lets the call through; anything else is what it answers instead. `close` closes all the same, as Linux does
// (close(2)), and calls that cannot fail go through whatever the answer is. For one thread.

#pragma once

#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sys/sys.hpp"

// clang-format 14 never comes to an end with this macro.
// clang-format off
#define TEMPFILE_TEST_EVERY_CALL(X) \
    X(create_unnamed) X(create_file) X(remove_file) X(reopen) X(duplicate) \
    X(close) X(read) X(write) X(pread) X(pwrite) \
    X(readv) X(writev) X(preadv) X(pwritev) X(seek) \
    X(truncate) X(overwrite_in_place) X(allocate) X(sync) X(stat) X(set_permissions) \
    X(create_directory) X(open_directory) X(open_path) X(set_path_permissions) X(remove_directory) \
    X(stat_at) X(stat_at_now) X(list) X(rewind) X(random) X(random_device) \
    X(environment) X(set_user_id) X(effective_user) X(current_directory) X(create_file_in) \
    X(open_file) X(rename) X(lock) X(map) X(unmap) X(sync_map) \
    X(this_process) X(process_number) X(this_thread) X(thread_runs) X(other_threads) \
    X(start_time) X(process_namespace) X(wall_clock) X(steady_clock) \
    X(create_linkable) X(create_public_in) X(open_to_read) X(rename_new) X(exchange) \
    X(link) X(link_handle) X(link_through_proc) X(read_link) X(sync_file_system) X(begin_sync) \
    X(set_owner) X(clone) X(copy_range) X(send_range) X(list_attributes) X(attribute) \
    X(set_attribute) X(remove_attribute) X(reserve) X(create_public_directory) \
    X(file_system_of) X(start_thread) X(join_thread) X(pause) \
    X(free_space) X(quota) X(mounted) X(swaps) X(available_memory)
// clang-format on

namespace tempfile::test {

class every_call {
public:
    using judge = std::function<sys::error(std::string_view entry)>;

    explicit every_call(judge asked) {
        judge_ = std::move(asked);
        real_ = sys::call;
#define TEMPFILE_TEST_GATE(entry)             \
    gate<& sys::calls::entry>::name = #entry; \
    sys::call.entry = gate<&sys::calls::entry>::pass;
        TEMPFILE_TEST_EVERY_CALL(TEMPFILE_TEST_GATE)
#undef TEMPFILE_TEST_GATE
    }
    ~every_call() {
        sys::call = real_;
    }
    every_call(const every_call&) = delete;
    every_call& operator=(const every_call&) = delete;

private:
    template <auto Entry>
    struct gate;
    template <class Answer, class... Arguments, Answer (*sys::calls::*Entry)(Arguments...) noexcept>
    struct gate<Entry> {
        static inline const char* name = nullptr;
        static Answer pass(Arguments... arguments) noexcept {
            const sys::error refused = judge_(name);
            if constexpr (std::is_same_v<Answer, sys::error>) {
                if (refused != 0) {
                    if constexpr (std::is_same_v<gate, gate<&sys::calls::close>>) {
                        real_.close(arguments...);
                    }
                    return refused;
                }
            }
            return (real_.*Entry)(arguments...);
        }
    };

    static inline judge judge_;
    static inline sys::calls real_ = sys::call;
};

#define TEMPFILE_TEST_COUNT(entry) +1
static_assert(sizeof(sys::calls) == (TEMPFILE_TEST_EVERY_CALL(TEMPFILE_TEST_COUNT)) * sizeof(&sys::call),
              "TEMPFILE_TEST_EVERY_CALL must name every entry of struct calls");
#undef TEMPFILE_TEST_COUNT

}  // namespace tempfile::test
