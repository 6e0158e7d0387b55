package io.kestradbt.bridge;

import java.util.LinkedHashMap;
import java.util.Map;

/** A run in figures. */
public record Summary(
    long nodes, long success, long warning, long failed, long skipped, long rowsAffected, long invocations, double seconds
) {
    static final Summary NONE = new Summary(0, 0, 0, 0, 0, 0, 0, 0);

    /** The figures as an output of a task, each by its name in the contract. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("nodes", nodes);
        map.put("success", success);
        map.put("warning", warning);
        map.put("failed", failed);
        map.put("skipped", skipped);
        map.put("rows_affected", rowsAffected);
        map.put("invocations", invocations);
        map.put("seconds", seconds);
        return map;
    }
}
