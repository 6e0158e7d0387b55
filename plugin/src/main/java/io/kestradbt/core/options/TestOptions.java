package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which tests are run, and what becomes of the rows that fail. */
public interface TestOptions {
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

    @Schema(
        title = "Keep failing rows",
        description = "Writes the rows that fail a test to a table of the warehouse. Unset: as each test's `store_failures` configuration says."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getStoreFailures();

    /** Add them to a request. */
    default void addTests(Options options) throws IllegalVariableEvaluationException {
        options.constant("indirectSelection", getIndirectSelection(), IndirectSelection.class).bool("storeFailures", getStoreFailures());
    }

    /** dbt's `--indirect-selection`. */
    enum IndirectSelection {
        EAGER, CAUTIOUS, BUILDABLE, EMPTY
    }
}
