package io.kestradbt.state;

import java.util.ArrayList;
import java.util.List;

/**
 * Events that were dealt with, by their ids, the latest last.
 *
 * @param ids a thousand at most: whoever sends one again does so within hours
 */
public record SeenEvents(List<String> ids) {
    private static final int MOST = 1000;

    public boolean has(String id) {
        return ids.contains(id);
    }

    /** With this one too. */
    public SeenEvents with(String id) {
        List<String> all = new ArrayList<>(ids);
        all.remove(id);
        all.add(id);
        return new SeenEvents(List.copyOf(all.subList(Math.max(0, all.size() - MOST), all.size())));
    }
}
