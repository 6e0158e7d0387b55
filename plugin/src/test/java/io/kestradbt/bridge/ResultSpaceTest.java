package io.kestradbt.bridge;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ResultSpaceTest {
    private final ResultSpace space = new ResultSpace(8_000);

    @Test
    void shouldKeepRoomForOutputsAndForNodesThatFail() {
        assertThat(space.take(6_000, false)).isTrue();
        assertThat(space.take(1, false)).isFalse();
        assertThat(space.take(1_000, true)).isTrue();
        assertThat(space.take(1, true)).isFalse();

        assertThat(space.refused()).isEqualTo(2);
    }

    @Test
    void shouldTakeASmallOneWhereALargeOneHadNoRoom() {
        assertThat(space.take(6_001, false)).isFalse();
        assertThat(space.take(5_999, false)).isTrue();
    }
}
