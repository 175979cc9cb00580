// How much is measured: in full, and the least that runs every line of each row.
export interface Scale {
  people: number;
  longChatLength: number;
  /** Rooms of each person who asks. */
  roomsOfAsker: number;
  /** People who ask the model at the same time. */
  askers: number;
  /** People who come back to the long chat. */
  returning: number;
  /** Sizes of rooms in which the CPU of a delivery is measured. */
  rooms: number[];
  /** Deliveries that such a measurement sends to each of its rooms, and messages at least. */
  deliveries: number;
  messagesMin: number;
  /** Messages of a throughput, a multiple of the number of senders. */
  messages: number;
  /** Messages that are searched, 100 in each chat, and searches of each kind. */
  searchedMessages: number;
  searches: number;
  /** Requests for pages, and for lists of chats. */
  pages: number;
  lists: number;
  /** For how long somebody reads an export slowly. */
  slowReadMs: number;
  /** People with display names who are searched, and searches. */
  namedPeople: number;
  nameSearches: number;
  connects: number;
  idleSockets: number;
  /** Before the memory of idle sockets is read. */
  settleMs: number;
  /** Clients that return after a restart, and the time in which they do. */
  stormClients: number;
  stormMs: number;
  /** Sockets in the room in which the holds of the event loop are measured. */
  crowd: number;
  publishes: number;
  /** People who react at the same moment. */
  reactors: number;
  /** Messages that everybody in a room reads, one after another. */
  messagesRead: number;
  /** Bytes of a file, and the width of a photo. */
  fileBytes: number;
  photoWidth: number;
  /** How long a process beside the server computes. */
  computingMs: number;
  /** People who join a room within {@link joinMs}. */
  joiners: number;
  joinMs: number;
  /** Their arrivals are over when no frame about one has come for so long. */
  quietMs: number;
  /** Messages a second, and for how many seconds, when latencies are measured. */
  rate: number;
  slowRate: number;
  seconds: number;
  /** Questions that one person asks, one after another; before them, questions that are not measured. */
  questions: number;
  warmUpQuestions: number;
  /** Messages of a history that is as long as a prompt takes. */
  promptMessages: number;
  /** The length of a usual answer, and of one whose writes are counted. */
  answerMs: number;
  longAnswerSeconds: number;
  /** How long the bus between servers is away, and the rooms of a server that subscribes to all of them. */
  busAwayMs: number;
  busRooms: number;
  /** Rooms that are spread over several servers, each with one socket. */
  spreadRooms: number;
  /** Servers with sockets in one hot room. */
  hotServers: number;
  /** Answers that are stopped from another server. */
  stops: number;
}

export const full: Scale = {
  people: 10_200,
  longChatLength: 1_000_000,
  roomsOfAsker: 100,
  askers: 100,
  returning: 500,
  rooms: [10, 100, 1_000],
  deliveries: 15_000,
  messagesMin: 60,
  messages: 6_400,
  searchedMessages: 1_000_000,
  searches: 200,
  pages: 2_000,
  lists: 1_000,
  slowReadMs: 20_000,
  namedPeople: 100_000,
  nameSearches: 1_100,
  connects: 500,
  idleSockets: 10_000,
  settleMs: 1_000,
  reactors: 1_000,
  stormClients: 10_000,
  stormMs: 2_000,
  crowd: 10_000,
  publishes: 20,
  messagesRead: 20,
  fileBytes: 64 * 1024 * 1024,
  photoWidth: 4_000,
  computingMs: 10_000,
  joiners: 500,
  joinMs: 1_000,
  quietMs: 1_500,
  rate: 2_000,
  slowRate: 500,
  seconds: 4,
  questions: 50,
  warmUpQuestions: 150,
  promptMessages: 400,
  answerMs: 4_000,
  longAnswerSeconds: 10.2,
  busAwayMs: 30_000,
  busRooms: 100_000,
  spreadRooms: 10_000,
  hotServers: 8,
  stops: 20,
};

export const smallest: Scale = {
  people: 300,
  longChatLength: 1_200,
  roomsOfAsker: 10,
  askers: 2,
  returning: 10,
  rooms: [10],
  deliveries: 20,
  messagesMin: 2,
  messages: 64,
  searchedMessages: 2_000,
  searches: 4,
  pages: 8,
  lists: 4,
  slowReadMs: 100,
  namedPeople: 200,
  nameSearches: 11,
  connects: 10,
  idleSockets: 10,
  settleMs: 0,
  reactors: 10,
  stormClients: 20,
  stormMs: 100,
  crowd: 70,
  publishes: 2,
  messagesRead: 1,
  fileBytes: 100_000,
  photoWidth: 40,
  computingMs: 100,
  joiners: 10,
  joinMs: 50,
  quietMs: 100,
  rate: 200,
  slowRate: 100,
  seconds: 0.2,
  questions: 2,
  warmUpQuestions: 0,
  promptMessages: 20,
  answerMs: 400,
  longAnswerSeconds: 0.4,
  busAwayMs: 100,
  busRooms: 1_000,
  spreadRooms: 40,
  hotServers: 5,
  stops: 2,
};
