// What is done in the background: handing it over. Nothing here knows what it is.

#pragma once

#include <list>
#include <memory>

#include "tempfile/cleanup.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// Something for the worker to do. Its destructor only lets go of what it holds: it runs in a forked child, too.
class deferred {
public:
    deferred() noexcept = default;
    virtual ~deferred() = default;
    deferred(const deferred&) = delete;
    deferred& operator=(const deferred&) = delete;

    // In the worker, once. To be given up when is_cleanup_stopped() says so.
    virtual void run() noexcept = 0;
    // Instead of that, where the process ends before it begins.
    virtual void leave_to_sweep() noexcept = 0;
};

// A place among what waits for the worker, and that the worker runs: whoever has one can hand something over, which
// cannot fail then. May throw std::bad_alloc. False when there is no such place.
class booked_place {
public:
    booked_place();
    ~booked_place();
    booked_place(const booked_place&) = delete;
    booked_place& operator=(const booked_place&) = delete;

    explicit operator bool() const noexcept { return booked_; }
    // REQUIRES: there is a place. Once.
    void hand_over(std::unique_ptr<deferred> what) noexcept;

private:
    std::list<std::unique_ptr<deferred>> place_;
    bool booked_;
};

// The process ends, and has waited for as long as it was told to.
bool is_cleanup_stopped() noexcept;

// Lets the worker close the file, if that is a large one. False when nothing was done.
bool close_later(file& f) noexcept;

}  // namespace tempfile
