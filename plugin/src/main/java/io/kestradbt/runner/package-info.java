@PluginSubGroup(
    title = "Task runners",
    description = "Where tasks of this plugin run: on the worker, in processes that are kept warm.",
    categories = { PluginSubGroup.PluginCategory.TRANSFORMATION, PluginSubGroup.PluginCategory.DATA }
)
package io.kestradbt.runner;

import io.kestra.core.models.annotations.PluginSubGroup;
