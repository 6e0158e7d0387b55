@PluginSubGroup(
    title = "dbt Core",
    description = "Run dbt Core on any task runner, with every node as a task run of its own.",
    categories = { PluginSubGroup.PluginCategory.TRANSFORMATION, PluginSubGroup.PluginCategory.DATA }
)
package io.kestradbt.core;

import io.kestra.core.models.annotations.PluginSubGroup;
