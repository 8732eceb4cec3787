// Makes the kernel itself refuse a system call, from now on, in this process and its children (seccomp(2)): what old
// kernels and containers do. It cannot be taken back, so this is for a child (in_child.hpp).
//
//     refuse({.call = SYS_getrandom, .error = ENOSYS});
//     refuse({.call = SYS_openat, .error = EPERM, .argument = 2, .mask = O_TMPFILE, .value = O_TMPFILE});

#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tempfile::test {

struct refusal {
    std::uint32_t call = 0;
    std::uint32_t error = 0;
    std::uint32_t argument = 0;  // the lower half of which argument to look at, counted from 0
    std::uint32_t mask = 0;      // 0: refused whatever the argument is
    std::uint32_t value = 0;
};

// False where the kernel has no seccomp filters.
inline bool refuse(const refusal& what) {
    const auto load = [](std::size_t offset) {
        return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
    };
    std::array<sock_filter, 7> program = {{
        load(offsetof(seccomp_data, nr)),
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, what.call},
        load(offsetof(seccomp_data, args) + what.argument * sizeof(std::uint64_t)),  // little-endian
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, what.mask},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, what.value},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | what.error},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace tempfile::test
