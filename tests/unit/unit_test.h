/*
 * What every unit test includes: cmocka with the headers that it needs in front of it.
 */
#ifndef BHD_TESTS_UNIT_TEST_H
#define BHD_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Number of elements of an array. */
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
