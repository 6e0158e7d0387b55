package io.kestradbt.core.options;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** Where the project is. */
public interface ProjectOptions {
    @Schema(title = "Folder of the dbt project", description = "The one with `dbt_project.yml`, relative to the working directory. Unset: the working directory itself.")
    @PluginProperty(group = "main")
    Property<String> getProjectDir();
}
