package io.kestradbt.task;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import io.kestra.core.models.property.Property;

/**
 * A shell script in the place of Python, which says what a test wants the runner to say. It is called as Python is: {@code $1} is the
 * runner, {@code $3} the request.
 */
public final class FakeRunner {
    /** The end of a run in which all was well. */
    public static final String ENDED = event("\"kind\":\"ended\",\"outcome\":\"success\",\"exit_code\":0,\"summary\":{\"nodes\":0}");

    private FakeRunner() {
    }

    /** The {@code pythonPath} of a script with this body. */
    public static Property<String> of(Path folder, String body) throws IOException {
        Files.createDirectories(folder);
        Path script = Files.writeString(folder.resolve("fake python"), "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        return Property.ofValue(script.toString());
    }

    /** A command that prints an event with these fields. */
    public static String event(String fields) {
        return "printf '%s\\n' '::kestra-dbt::{\"version\":\"1.0\"," + fields + "}'\n";
    }

    /** A command that says that a model was taken up. */
    public static String started(String model) {
        return event(
            "\"kind\":\"node_started\",\"invocation\":1,\"unique_id\":\"model.shop." + model + "\",\"label\":\"" + model
                + "\",\"resource_type\":\"model\",\"at\":\"2026-01-15T10:20:04Z\""
        );
    }
}
