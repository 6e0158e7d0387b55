package io.kestradbt.state;

import java.io.IOException;
import java.net.URI;
import java.util.Map;

import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.RunResult;

/** Lets the files of a run be the state that later runs compare with. */
public final class Promotion {
    private final RunContext runContext;

    public Promotion(RunContext runContext) {
        this.runContext = runContext;
    }

    /** Do what a graph of tasks told of its state; a fault of that is told, and changes nothing of how the run ended. */
    public void after(RunResult result, boolean killed) {
        Event.Promotion told = result.promotion().orElse(null);
        if (told == null || result.failure().isPresent() || result.stopped() || killed) {
            return;
        }
        StateKey key = new StateKey(told.project(), told.target(), told.branch());
        if (told.obstacle() != null) {
            runContext.logger().info("The state of {} stays as it is: {}.", key, told.obstacle());
            return;
        }
        try {
            promote(key, result.artifacts());
        } catch (IOException | RuntimeException e) {
            runContext.logger().warn("What later runs could take over was not kept: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Let these files be the state. */
    void promote(StateKey key, Map<String, URI> artifacts) throws IOException, InterruptedException {
        StateStore.of(runContext).promote(key, artifacts, AttemptFolder.execution(runContext));
        runContext.logger().info("State kept: {}.", key);
    }
}
