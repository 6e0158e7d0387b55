package io.kestradbt.core.dropin;

import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.Getter;
import lombok.extern.jackson.Jacksonized;

/** A place in Kestra's KV store that leads to a manifest. */
@Builder
@Jacksonized
@Getter
public class KvManifest {
    @Schema(title = "Key", description = "In the KV store of `namespace`.")
    @NotNull
    private final Property<String> key;

    @Schema(title = "Namespace of the KV store", description = "One that the flow's namespace may use.")
    @NotNull
    private final Property<String> namespace;
}
