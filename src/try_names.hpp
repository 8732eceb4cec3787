// Making something under a new random name.

#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "create.hpp"
#include "name.hpp"
#include "registry.hpp"
#include "tempfile/name.hpp"

namespace tempfile {

inline problem creation_problem(std::string_view what, const std::string& path, sys::error e) {
    return system_problem(std::string(what) + std::string(advice(e)), path, e);
}

// Calls make(path) with new names until it answers anything but EEXIST.
template <class Make>
problem try_names(const place& where, std::string& path, const char* what, Make make) {
    if (problem p = check_affixes(where.prefix, where.suffix)) {
        return p;
    }
    path.reserve(where.dir.size() + 1 + where.prefix.size() + random_characters + where.suffix.size());
    path.assign(where.dir);
    if (!path.ends_with('/')) {
        path += '/';
    }
    path += where.prefix;
    const std::size_t random_at = path.size();
    path.append(random_characters, '?');
    path += where.suffix;
    sys::error e = EEXIST;
    for (int tries = 0; tries < tmp_max && e == EEXIST; ++tries) {
        if (problem p = random_name(path.data() + random_at)) {
            return p;
        }
        e = make(path.c_str());
    }
    return e == 0 ? no_problem() : creation_problem(what, where.dir, e);
}

// make(name) with the name written down before.
template <class Make>
auto registered_first(registration* owner, registered_kind what, Make make) {
    return [=](const char* name) {
        if (owner != nullptr) {
            owner->enter(what, name);
        }
        const sys::error e = make(name);
        if (e != 0 && owner != nullptr) {
            owner->leave();
        }
        return e;
    };
}

}  // namespace tempfile
