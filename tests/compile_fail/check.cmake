# Compiles cases.cpp with the macro BAD_<CASE> defined, and wants the compiler to refuse it in words that match MESSAGE;
# without CASE, to accept it.
separate_arguments(flags UNIX_COMMAND "${FLAGS}")
execute_process(
  COMMAND ${COMPILER} ${flags} -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I${INCLUDE} -DBAD_${CASE}
          ${CMAKE_CURRENT_LIST_DIR}/cases.cpp
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(CASE STREQUAL "")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "The control does not compile:\n${output}")
  endif()
elseif(status EQUAL 0)
  message(FATAL_ERROR "${CASE} compiles.")
elseif(NOT output MATCHES "${MESSAGE}")
  message(FATAL_ERROR "${CASE} is refused, but not with \"${MESSAGE}\":\n${output}")
endif()
