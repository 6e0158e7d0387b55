@PluginSubGroup(
    title = "dbt platform",
    description = "Run jobs of the dbt platform (dbt Cloud), each exactly once, with every node as a task run of its own.",
    categories = { PluginSubGroup.PluginCategory.TRANSFORMATION, PluginSubGroup.PluginCategory.DATA }
)
package io.kestradbt.platform;

import io.kestra.core.models.annotations.PluginSubGroup;
