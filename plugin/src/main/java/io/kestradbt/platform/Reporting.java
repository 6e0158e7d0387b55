package io.kestradbt.platform;

import java.io.IOException;
import java.util.List;

import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.state.ReportedRuns;

/** Notes that a run is dealt with, so that the next attempt does not take it over. */
final class Reporting {
    private Reporting() {
    }

    /**
     * Note a run that is known to have ended, or that was only to be started and was. One that goes on, or of which nobody knows, is not noted:
     * the next attempt has to find it.
     *
     * @param wish   what it is of
     * @param noWait whether it was only to be started
     */
    static void note(RunContext runContext, List<?> wish, boolean noWait, RunResult result) {
        boolean started = noWait && result.failure().isEmpty();
        result.platformRun().filter(run -> run.ended() || started).map(Event.PlatformRun::id).ifPresent(id -> {
            try {
                new ReportedRuns(runContext).add(id, wish);
            } catch (IOException | RuntimeException e) {
                runContext.logger().warn("That run {} is reported could not be noted, so that a retry would take it over: {}", id, e.toString());
            }
        });
    }
}
