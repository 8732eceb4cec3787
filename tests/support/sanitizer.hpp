// Which sanitizer this was built with, empty for none: some tests count what a sanitizer does besides.

#pragma once

#include <string_view>

// g++ says it by a macro, clang by __has_feature.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEMPFILE_TEST_SANITIZER "AddressSanitizer"
#elif __has_feature(thread_sanitizer)
#define TEMPFILE_TEST_SANITIZER "ThreadSanitizer"
#define TEMPFILE_TEST_HAS_ITS_OWN_NEW  // which cannot be replaced
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TEMPFILE_TEST_SANITIZER "AddressSanitizer"
#elif defined(__SANITIZE_THREAD__)
#define TEMPFILE_TEST_SANITIZER "ThreadSanitizer"
#define TEMPFILE_TEST_HAS_ITS_OWN_NEW  // which cannot be replaced
#endif

#ifndef TEMPFILE_TEST_SANITIZER
#define TEMPFILE_TEST_SANITIZER ""
#endif

namespace tempfile::test {

inline constexpr std::string_view sanitizer = TEMPFILE_TEST_SANITIZER;

}  // namespace tempfile::test

#undef TEMPFILE_TEST_SANITIZER
