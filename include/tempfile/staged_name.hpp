// The name that a file without one may have got on its way to its final name. For the library's own classes.

#pragma once

#include <tempfile/registration.hpp>

#include <string>
#include <utility>

/// @cond internal
namespace tempfile {

// Its path is empty as long as there is none. The destructor does nothing, as that of a registration.
struct staged_name {
    staged_name() = default;
    staged_name(staged_name&& other) noexcept
        : path(std::exchange(other.path, {})),
          owner(std::move(other.owner)),
          can_be_linked(other.can_be_linked),
          for_everybody(other.for_everybody) {}
    staged_name& operator=(staged_name&& other) noexcept {
        path = std::exchange(other.path, {});
        owner = std::move(other.owner);
        can_be_linked = other.can_be_linked;
        for_everybody = other.for_everybody;
        return *this;
    }

    // Takes the name away, if there is one and it is this process's. What cannot be removed stays in the registry.
    void remove() noexcept;

    std::string path;
    registration owner;
    bool can_be_linked = false;
    bool for_everybody = false;  // made with the mode of any new file there (metadata_of::new_file)
};

}  // namespace tempfile
/// @endcond
