/**
 * \file bulkhead/base.h
 *
 * What every other header needs: how symbols are exported and how results must be used.
 */
#ifndef BULKHEAD_BASE_H
#define BULKHEAD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define BHD_BEGIN_DECLS extern "C" {
#define BHD_END_DECLS }
#else
#define BHD_BEGIN_DECLS
#define BHD_END_DECLS
#endif

#if defined(__GNUC__)
#define BHD_PUBLIC __attribute__((visibility("default")))
#define BHD_MUST_USE __attribute__((warn_unused_result))
#else
#define BHD_PUBLIC
#define BHD_MUST_USE
#endif

#endif
