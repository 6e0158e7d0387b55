package io.kestradbt.graph;

import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The tasks of an execution that worked on the same pack, by the outputs that they left. */
final class Siblings {
    private static final List<String> RESULTS = List.of("run_results.json", "sources.json");

    private Siblings() {
    }

    /**
     * Find them.
     *
     * @param outputs of the execution, by task and, in loops, by value
     * @return the files with their results, by task
     */
    static Map<String, List<URI>> of(Map<String, Object> outputs, String pack) {
        Map<String, List<URI>> found = new LinkedHashMap<>();
        outputs.forEach((task, output) -> find(task, output, pack, found));
        return found;
    }

    private static void find(String task, Object output, String pack, Map<String, List<URI>> found) {
        if (!(output instanceof Map<?, ?> map)) {
            return;
        }
        if (!pack.equals(String.valueOf(map.get("pack"))) || !(map.get("artifacts") instanceof Map<?, ?> artifacts)) {
            map.forEach((value, below) -> find(task, below, pack, found));
        } else if (!artifacts.containsKey(PackFile.NAME)) { // which Prepare's own output has
            found.computeIfAbsent(task, t -> new ArrayList<>()).addAll(results(artifacts));
        }
    }

    /** Where a task ran several dbt commands, those of each; the plain names are the last one's then. */
    private static List<URI> results(Map<?, ?> artifacts) {
        Map<Boolean, List<URI>> files = artifacts.entrySet().stream()
            .filter(entry -> RESULTS.stream().anyMatch(String.valueOf(entry.getKey())::endsWith))
            .collect(Collectors.partitioningBy(
                entry -> String.valueOf(entry.getKey()).contains("/"),
                Collectors.mapping(entry -> URI.create(String.valueOf(entry.getValue())), Collectors.toList())
            ));
        return files.get(true).isEmpty() ? files.get(false) : files.get(true);
    }
}
