/*
 * Why the host ends a guest.
 */
#ifndef BHD_ENGINE_HOST_STOPS_H
#define BHD_ENGINE_HOST_STOPS_H

/* The codes of bhd_engine_stop_new. */
enum {
    BHD__STOP_OUT_OF_MEMORY = 10,
    BHD__STOP_TIMEOUT = 11,
    BHD__STOP_NO_CAPACITY = 12,
    BHD__STOP_HOST_OUT_OF_MEMORY = 13, /* also said by the crate */
    BHD__STOP_DENIED = 14,
    BHD__STOP_CANCELLED = 15,
    BHD__STOP_HOST_FUNCTION = 16,
    BHD__STOP_TOO_MUCH = 17, /* said by the crate alone */
};

#endif
