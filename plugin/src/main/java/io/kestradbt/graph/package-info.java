@PluginSubGroup(
    title = "dbt graph",
    description = "A dbt project as tasks of a flow: every model or group of models a task in the Topology, retried, restarted and spread over workers one by one.",
    categories = { PluginSubGroup.PluginCategory.TRANSFORMATION, PluginSubGroup.PluginCategory.DATA }
)
package io.kestradbt.graph;

import io.kestra.core.models.annotations.PluginSubGroup;
