/*
 * Who holds a component: its owner and every sandbox. Any thread; bhd_component_free gives back.
 */
#ifndef BHD_SANDBOX_COMPONENT_H
#define BHD_SANDBOX_COMPONENT_H

#include "bulkhead/component.h"

void bhd__component_hold(bhd_component *component);

#endif
