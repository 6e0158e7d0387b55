package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which tests come along. */
public interface IndirectSelectionOptions {
    @Schema(
        title = "Tests that selected nodes bring along",
        description = """
            - `EAGER`: every test that touches a selected node. dbt's default.
            - `CAUTIOUS`: tests of which all nodes are selected.
            - `BUILDABLE`: tests of which all nodes are selected or are ancestors of selected ones.
            - `EMPTY`: none."""
    )
    @PluginProperty(group = "execution")
    Property<IndirectSelection> getIndirectSelection();

    /** Add them to a request. */
    default void addIndirectSelection(Options options) throws IllegalVariableEvaluationException {
        options.constant("indirectSelection", getIndirectSelection(), IndirectSelection.class);
    }

    /** dbt's {@code --indirect-selection}. */
    enum IndirectSelection {
        EAGER, CAUTIOUS, BUILDABLE, EMPTY
    }
}
