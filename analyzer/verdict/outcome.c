/* Class names back to outcomes; used wherever a finding is met in the resolved report. */
#include "outcome.h"

#include <string.h>

enum growth_outcome outcome_of_slug(const char *slug) {
    for (int i = 0; slug && i < GROWTH_CLASSES; i++) {
        if (strcmp(growth_class_name((enum growth_class)i), slug) == 0)
            return growth_class_outcome((enum growth_class)i);
    }
    return GROWTH_PASS;
}
