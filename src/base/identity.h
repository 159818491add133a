/*
 * What a component may be called: the rule for names, in one place.
 */
#ifndef BHD_BASE_IDENTITY_H
#define BHD_BASE_IDENTITY_H

/* What is wrong with the name, as the end of "the name ...", or NULL. */
const char *bhd__name_problem(const char *name);

#endif
