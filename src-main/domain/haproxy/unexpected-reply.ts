/** HAProxy answered, but not with what its manual and our recordings say. The message is a whole sentence for the operator. */
export class UnexpectedReply extends Error {
  constructor(message: string, reply: string) {
    super(`${message} It begins: ${JSON.stringify(reply.slice(0, 120))}.`)
    this.name = 'UnexpectedReply'
  }
}
