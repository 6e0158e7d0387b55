package io.kestradbt.state;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.kestra.core.serializers.JacksonMapper;

import static org.assertj.core.api.Assertions.assertThat;

class SeenRunsTest {
    private static final Instant T = Instant.parse("2026-01-15T10:00:00Z");

    @Test
    void shouldTakeForKnownWhatTheFirstLookFinds() {
        SeenRuns seen = SeenRuns.atFirst(List.of(run(1, -3600), run(2, 0)));

        assertThat(seen.lookFrom()).contains(T.minus(Duration.ofMinutes(15)));
        assertThat(ids(seen, run(1, -3600), run(2, 0), run(3, 1))).containsExactly(3L);
        assertThat(ids(seen, run(9, -60))).as("finished before the first look, and was on no page of it").isEmpty();
    }

    @Test
    void shouldTellOfAllIfThereWasNothingAtFirst() {
        SeenRuns seen = SeenRuns.atFirst(List.of());

        assertThat(seen.lookFrom()).isEmpty();
        assertThat(ids(seen, run(2, 1), run(1, 0))).containsExactly(1L, 2L);
    }

    @Test
    void shouldMissNoneThatFinishAtTheSameTimeOrAreListedLate() {
        SeenRuns seen = SeenRuns.atFirst(List.of(run(1, 0))).with(List.of(run(2, 100)));

        assertThat(ids(seen, run(1, 0), run(2, 100), run(3, 100), run(4, 40))).containsExactly(4L, 3L);
    }

    @Test
    void shouldTellOfNoneTwiceHoweverOftenItLooks() {
        SeenRuns seen = SeenRuns.atFirst(List.of(run(1, 0)));
        for (long id = 2; id < 5000; id++) {
            List<Run> found = List.of(run(id - 1, id - 1), run(id, id));
            assertThat(seen.fresh(found)).extracting(Run::id).containsExactly(id);
            seen = again(seen.with(seen.fresh(found)));
        }
        assertThat(seen.told()).as("those of the last quarter of an hour").hasSize(901);
    }

    @Test
    void shouldGoOnWhereAPartWasTaken() {
        SeenRuns seen = SeenRuns.atFirst(List.of(run(1, 0)));
        List<Run> found = List.of(run(2, 5), run(3, 5), run(4, 3600));

        SeenRuns after = seen.with(seen.fresh(found).subList(0, 1));

        assertThat(after.lookFrom().orElseThrow()).isBefore(T.plusSeconds(5));
        assertThat(after.fresh(found)).extracting(Run::id).containsExactly(3L, 4L);
    }

    /** As it is after it was in the KV store. */
    private static SeenRuns again(SeenRuns seen) {
        return JacksonMapper.ofJson().convertValue(JacksonMapper.ofJson().convertValue(seen, Object.class), SeenRuns.class);
    }

    private static List<Long> ids(SeenRuns seen, Run... found) {
        return seen.fresh(List.of(found)).stream().map(Run::id).toList();
    }

    private static Run run(long id, long second) {
        return new Run(id, T.plusSeconds(second));
    }

    private record Run(long id, Instant finishedAt) implements SeenRuns.Finished {}
}
