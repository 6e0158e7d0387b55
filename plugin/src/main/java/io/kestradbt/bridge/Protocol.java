package io.kestradbt.bridge;

import java.util.Optional;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;

/** The contract with the runner: what is sent as JSON, and events as lines with a prefix. */
public final class Protocol {
    /** {@code major.minor}; both sides must share the major. */
    public static final String VERSION = "1.0";

    /** What tells an event from a plain line of output. */
    public static final String PREFIX = "::kestra-dbt::";

    private static final int SHOWN = 200;

    // What has its default is left out, but not what a user put into a map: `fail_fast: false` is an answer.
    private static final JsonMapper MAPPER = JsonMapper.builder()
        .addModule(new JavaTimeModule())
        .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
        .defaultPropertyInclusion(JsonInclude.Value.construct(JsonInclude.Include.NON_DEFAULT, JsonInclude.Include.ALWAYS))
        .build();

    private Protocol() {
    }

    /** The request as JSON. */
    public static String encode(Request request) {
        return write(request);
    }

    /** The secrets as JSON. */
    public static String encode(Secrets secrets) {
        return write(secrets);
    }

    /**
     * The event in a line; empty for a plain line.
     *
     * @throws ContractException if the line says that it is an event and cannot be read, or is of another major version
     */
    public static Optional<Event> decode(String line) {
        if (!line.startsWith(PREFIX)) {
            return Optional.empty();
        }
        String json = line.substring(PREFIX.length());
        if (!json.startsWith("{")) {
            return Optional.empty();
        }
        return Optional.of(read(json));
    }

    private static Event read(String json) {
        try {
            JsonNode tree = MAPPER.readTree(json);
            checkVersion(tree.path("version").asText(VERSION));
            return MAPPER.treeToValue(tree, Event.class);
        } catch (JsonProcessingException e) {
            String shown = json.length() > SHOWN ? json.substring(0, SHOWN) + "..." : json;
            throw new ContractException("An event of the runner could not be read (%s): %s".formatted(e.getOriginalMessage(), shown));
        }
    }

    private static void checkVersion(String version) {
        if (!major(version).equals(major(VERSION))) {
            throw new ContractException(
                "The runner speaks version %s of the contract and this plugin %s: remove the other kestra-dbt package from the Python environment, or install the plugin that belongs to it."
                    .formatted(version, VERSION)
            );
        }
    }

    private static String major(String version) {
        return version.split("\\.", 2)[0];
    }

    private static String write(Object message) {
        try {
            return MAPPER.writeValueAsString(message);
        } catch (JsonProcessingException e) {
            // Not e's own message: it may quote a value.
            throw new IllegalArgumentException("A value given to this task cannot be written as JSON.");
        }
    }
}
