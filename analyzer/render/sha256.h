/*
 * SHA-256 (FIPS 180-4), for the hashes by which a page's security policy knows its own script and style. Pure.
 */
#ifndef RENDER_SHA256_H
#define RENDER_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BASE64_SIZE 45 /* 44 characters and the NUL */

void sha256_base64(const void *bytes, size_t length, char text[SHA256_BASE64_SIZE]);

#endif
