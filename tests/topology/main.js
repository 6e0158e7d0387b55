// Draws the Topology of the execution in data.json, as Kestra's pages do.
import {createApp, h} from "vue";
import {createMemoryHistory, createRouter} from "vue-router";
import {createStore} from "vuex";
import {Topology} from "@kestra-io/ui-libs";
import "@kestra-io/ui-libs/src/scss/vendor.scss";
import "@kestra-io/ui-libs/style.css";

const {source, graph, execution, icons} = await (await fetch("data.json")).json();

// A node finds its task runs by this.
graph.nodes.forEach(node => { node.executionId = execution.id });

const store = createStore({
    modules: {
        execution: {
            namespaced: true,
            state: {execution},
            getters: {subflowsExecutions: () => ({})},
        },
    },
});

const app = createApp({
    render: () => h(Topology, {
        id: "topology",
        source,
        flowGraph: graph,
        flowId: execution.flowId,
        namespace: execution.namespace,
        isHorizontal: true,
        icons,
    }),
});
app.config.globalProperties.$t = key => key;
app.use(store);
app.use(createRouter({history: createMemoryHistory(), routes: [{path: "/", component: {render: () => null}}]}));
app.config.errorHandler = error => { document.title = `failed: ${error}` };
app.mount("#app");
