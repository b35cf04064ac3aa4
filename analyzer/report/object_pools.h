/*
 * Interpreters that pack their objects into pools of their own: which object stays is not in the trace then, only that
 * a pool was added, and an environment variable of theirs changes that.
 */
#ifndef REPORT_OBJECT_POOLS_H
#define REPORT_OBJECT_POOLS_H

struct builder;

/* A doubt for each such interpreter whose pools were seen. The sites must be finished. */
void builder_add_pool_doubts(struct builder *builder);

#endif
