/*
 * What the crate is told of our values.
 */
#ifndef BHD_ENGINE_CODE_VALUES_H
#define BHD_ENGINE_CODE_VALUES_H

/* Before the crate makes any value or type; does nothing the second time. */
void bhd__values_prepare(void);

#endif
