package io.kestradbt.state;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Where a state is and what it is of: a small entry of the KV store that is replaced as a whole, so that nobody reads the files of two
 * executions.
 *
 * @param manifest   manifest.json in the internal storage
 * @param runResults run_results.json there, or null
 * @param execution  that made it
 * @param at         when it was kept, in ISO 8601
 */
record KeptState(URI manifest, URI runResults, String execution, String at) {
    private static final String MANIFEST = "manifest";
    private static final String RUN_RESULTS = "run_results";

    /** For the KV store. */
    Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(MANIFEST, manifest.toString());
        if (runResults != null) {
            map.put(RUN_RESULTS, runResults.toString());
        }
        map.put("execution", execution);
        map.put("at", at);
        return map;
    }

    /** From the KV store: such an entry, or the URI of a manifest; empty if it is neither. */
    static Optional<KeptState> of(Object value) {
        return switch (value) {
            case String text when text.startsWith("kestra://") -> Optional.of(new KeptState(URI.create(text), null, null, null));
            case Map<?, ?> map when map.get(MANIFEST) instanceof String manifest -> Optional.of(
                new KeptState(
                    URI.create(manifest), map.get(RUN_RESULTS) instanceof String results ? URI.create(results) : null,
                    String.valueOf(map.get("execution")), String.valueOf(map.get("at"))
                )
            );
            case null, default -> Optional.empty();
        };
    }
}
