/*
 * Programs whose work is to start others: builds, and runners that give each test a process of its own. They remember
 * what they started, so they grow with every test, and that is no leak of what is tested.
 */
#ifndef REPORT_DRIVERS_H
#define REPORT_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>

/* `exe` may be NULL. Scripts are known by the argument that names them. */
bool is_driver(const char *exe, const char *const *args, size_t count);

#endif
