#ifndef NET_WORDS_H
#define NET_WORDS_H
/* 256 short English words, one for each value of a byte: what two people read to each other
 * (PROTOCOL 7.11). No two start with the same four letters or differ in one letter only. The list
 * is part of the protocol level. */
#include <stdint.h>

extern const char *const net_words[256];

#endif
