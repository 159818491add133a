// The same program for CMake, which tells languages by the names of files.
#include "consumer.c"
