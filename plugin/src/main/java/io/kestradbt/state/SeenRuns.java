package io.kestradbt.state;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Which finished runs were told of, by the platform's clock alone: how far that is, and the runs of the last while before that by their ids. So
 * neither two runs that finish at the same time nor one that is listed late are missed, and none is told of twice.
 *
 * @param from runs that finished earlier were there before the first look; null if there were none
 * @param upTo when the latest run finished that was told of; null if none was yet
 * @param told when each of the last ones finished, by id
 */
public record SeenRuns(Instant from, Instant upTo, Map<Long, Instant> told) {
    /** How much later than others a run may be listed. */
    private static final Duration OVERLAP = Duration.ofMinutes(15);

    /** A run that has finished. */
    public interface Finished {
        /** Its id. */
        long id();

        /** When, by the platform's clock. */
        Instant finishedAt();
    }

    /** What the first look finds is known already. */
    public static SeenRuns atFirst(List<? extends Finished> found) {
        Instant latest = found.stream().map(Finished::finishedAt).max(Comparator.naturalOrder()).orElse(null);
        return new SeenRuns(latest, latest, Map.of()).with(found);
    }

    /** From when on to look; empty: at all runs. */
    public Optional<Instant> lookFrom() {
        return Optional.ofNullable(upTo).map(time -> time.minus(OVERLAP));
    }

    /** Those of which nothing was told yet, the earliest first. */
    public <T extends Finished> List<T> fresh(List<T> found) {
        return found.stream()
            .filter(run -> !told.containsKey(run.id()) && (from == null || !run.finishedAt().isBefore(from)))
            .sorted(Comparator.comparing((T run) -> run.finishedAt()).thenComparing(Finished::id))
            .toList();
    }

    /** When these are told of too. */
    public SeenRuns with(List<? extends Finished> runs) {
        Map<Long, Instant> all = new TreeMap<>(told);
        runs.forEach(run -> all.put(run.id(), run.finishedAt()));
        Instant latest = all.values().stream().max(Comparator.naturalOrder()).orElse(upTo);
        if (latest != null) {
            all.values().removeIf(finished -> finished.isBefore(latest.minus(OVERLAP)));
        }
        return new SeenRuns(from, latest, all);
    }
}
